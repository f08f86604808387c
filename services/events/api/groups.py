"""Groups of events, and who follows them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.errors import Conflict, Forbidden
from chassis.jsonapi import Resource
from services.events.api.events import events
from services.events.api.of_event import SPEC
from services.events.domain import publishing
from services.events.models import Event, Group, UserFollowGroup

Values = dict[str, Any]


def _before_create(db: Session, claims: Claims, values: Values, related: Values) -> Group:
    publishing.check_person(claims.is_verified or claims.is_admin, "make a group for")
    if not claims.is_admin:
        values.pop("is_promoted", None)
    group = Group(user_id=claims.user_id, **values)
    for event in _own_events(db, claims, related.pop("events", [])):
        event.group = group
    return group


def _own_events(db: Session, claims: Claims, event_ids: list[int]) -> Sequence[Event]:
    """The events that a group begins with, locked. Raises Forbidden (403) unless the caller owns them all."""
    found = select(Event).where(Event.id.in_(event_ids), Event.deleted_at.is_(None))
    if not claims.is_admin:
        found = found.where(Event.owner_id == claims.user_id)
    rows = db.scalars(found.order_by(Event.id).with_for_update(of=Event)).all() if event_ids else []
    if len(rows) < len(set(event_ids)):
        raise Forbidden(
            "Only the owner of an event puts it into a group.",
            code="owner-required",
            source={"pointer": "/data/relationships/events"},
        )
    return rows


def _before_update(_db: Session, claims: Claims, _row: Group, values: Values, _related: Values) -> None:
    if not claims.is_admin:
        values.pop("is_promoted", None)
    if values.get("name", "") is None:
        del values["name"]


def _may_change(_db: Session, claims: Claims, row: Group) -> None:
    if row.user_id != claims.user_id and not claims.is_admin:
        raise Forbidden("Only the owner of the group may do this.", code="group-owner-required")


def _follow(db: Session, claims: Claims, values: Values, related: Values) -> None:
    values["user_id"] = claims.user_id
    known = db.query(UserFollowGroup.id).filter_by(group_id=related.get("group"), user_id=claims.user_id).first()
    if known is not None:
        raise Conflict("You follow this group already.", code="already-followed")


groups = Resource(
    "group",
    Group,
    spec=SPEC,
    computed={"thumbnail-image-url": lambda group: group.logo_url},
    before_create=_before_create,
    before_update=_before_update,
    may_change=_may_change,
)
user_follow_groups = Resource(
    "user-follow-group",
    UserFollowGroup,
    spec=SPEC,
    visible=lambda claims: claims is not None and UserFollowGroup.user_id == claims.user_id,
    before_create=_follow,
)

list_groups, create_group, get_group = groups.fetch_page, groups.create, groups.fetch
update_group, delete_group = groups.update, groups.delete
list_events_of_group = groups.fetch_related("events")
list_followers_of_group = groups.fetch_related("followers")
get_group_of_event = events.fetch_related("group")
follow_group = user_follow_groups.create
get_user_follow_group, unfollow_group = user_follow_groups.fetch, user_follow_groups.delete
get_group_of_user_follow_group = user_follow_groups.fetch_related("group")
get_user_of_group = groups.fetch_related("user")
get_follower_of_group = groups.fetch_related("follower")
get_user_of_user_follow_group = user_follow_groups.fetch_related("user")
