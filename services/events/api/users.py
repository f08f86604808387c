"""What belongs to one user: lists for the user themselves, and for server admins."""

from collections.abc import Callable
from typing import Any

import flask
from sqlalchemy import or_, select

from chassis.auth import Claims
from chassis.db import transaction
from chassis.errors import Forbidden
from chassis.jsonapi import Resource, tagged
from services.events import queries
from services.events.api.access_codes import access_codes
from services.events.api.discount_codes import discount_codes
from services.events.api.events import events
from services.events.api.favourites import favourites
from services.events.api.feedbacks import feedbacks
from services.events.api.groups import groups, user_follow_groups
from services.events.api.sessions import sessions
from services.events.api.speakers import speakers
from services.events.domain import roles
from services.events.models import (
    AccessCode,
    DiscountCode,
    Event,
    EventSession,
    Feedback,
    Group,
    Speaker,
    UserFavouriteSession,
    UserFollowGroup,
    UsersEventsRoles,
    session_speakers,
)

Operation = Callable[..., flask.Response]


def own(resource: Resource[Any], where: Callable[[int], Any]) -> Operation:
    """A list of what belongs to the user of the path. Raises Forbidden (403) for anyone but them and server admins."""

    def listing(user_id: str, token_info: Claims | None = None) -> flask.Response:
        check_self(user_id, token_info)
        with transaction() as db:
            return tagged(resource.page(db, token_info, where(int(user_id))))

    return listing


def check_self(user_id: str, claims: Claims | None) -> None:
    """Raises Forbidden (403) for anyone but the user of the path and server admins."""
    if claims is None or not (claims.is_admin or claims.user_id == int(user_id)):
        raise Forbidden("Only the user and server admins see this.", code="self-required")


def _events_as(*role_ids: int) -> Callable[[int], Any]:
    def where(user_id: int) -> Any:
        held = select(UsersEventsRoles.event_id).where(UsersEventsRoles.user_id == user_id)
        return Event.id.in_(queries.alone(held.where(UsersEventsRoles.role_id.in_(role_ids)) if role_ids else held))

    return where


def _marketed(user_id: int) -> Any:
    codes = queries.alone(select(DiscountCode.event_id).where(DiscountCode.marketer_id == user_id))
    return Event.id.in_(codes)


def _sessions_of(user_id: int) -> Any:
    spoken = (
        select(session_speakers.c.session_id)
        .join(Speaker, Speaker.id == session_speakers.c.speaker_id)
        .where(Speaker.user_id == user_id)
    )
    return or_(EventSession.creator_id == user_id, EventSession.id.in_(queries.alone(spoken)))


list_events = own(events, _events_as())
list_owner_events = own(events, _events_as(roles.OWNER))
list_organizer_events = own(events, _events_as(roles.ORGANIZER))
list_coorganizer_events = own(events, _events_as(roles.COORGANIZER))
list_track_organizer_events = own(events, _events_as(roles.TRACK_ORGANIZER))
list_moderator_events = own(events, _events_as(roles.MODERATOR))
list_registrar_events = own(events, _events_as(roles.REGISTRAR))
list_marketer_events = own(events, _marketed)
list_sales_admin_events = own(events, lambda _: Event.id.in_([]))
list_discount_codes = own(discount_codes, lambda user_id: DiscountCode.marketer_id == user_id)
list_access_codes = own(access_codes, lambda user_id: AccessCode.marketer_id == user_id)
list_sessions = own(sessions, _sessions_of)
list_speakers = own(speakers, lambda user_id: Speaker.user_id == user_id)
list_feedbacks = own(feedbacks, lambda user_id: Feedback.user_id == user_id)
list_groups = own(groups, lambda user_id: Group.user_id == user_id)
list_followed_groups = own(user_follow_groups, lambda user_id: UserFollowGroup.user_id == user_id)
list_favourite_sessions = own(favourites, lambda user_id: UserFavouriteSession.user_id == user_id)
