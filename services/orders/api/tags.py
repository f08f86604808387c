"""Labels that the team of an event puts on attendees."""

from typing import Any

import flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import run
from chassis.errors import Conflict, Unprocessable
from chassis.idempotency import answered
from chassis.jsonapi.writing import refusals
from services.orders.api.lists import list_of_event
from services.orders.api.resources import tags
from services.orders.domain import policy
from services.orders.domain.policy import Operation
from services.orders.models import Attendee, Tag
from services.orders.queries import access


def _may_edit(db: Session, claims: Any, tag: Tag) -> None:
    roles = access.known_roles(db, tag.event_id, claims.user_id) or frozenset()
    policy.require(Operation.EDIT_TAGS, policy.relations(roles=roles, is_server_admin=claims.is_admin))
    if tag.is_read_only and tag.id is not None:
        raise Conflict("This tag cannot be changed.", code="tag-read-only")


def _clear(db: Session, tag: Tag) -> None:
    db.execute(update(Attendee).where(Attendee.tag_id == tag.id).values(tag_id=None))


tags.may_change = tags.may_delete = _may_edit
tags.after_delete = _clear
get_tag, update_tag, delete_tag = tags.fetch, tags.update, tags.delete
get_event_of_tag = tags.fetch_related("event")


def create_tag(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """A tag of an event; names are unique in it."""
    incoming = tags.read(body)
    event_id = incoming.related.get("event")
    name = (incoming.values.get("name") or "").strip()
    if event_id is None:
        raise Unprocessable(
            "A tag needs the relation event.", code="event-missing", source={"pointer": "/data/relationships/event"}
        )
    if not name:
        raise Unprocessable("A tag has a name.", code="name-missing", source={"pointer": "/data/attributes/name"})
    event_id = access.event_id_of(str(event_id))
    access.require_in_event(Operation.EDIT_TAGS, event_id, token_info)
    now = clock.now()

    def work(db: Session) -> flask.Response:
        tag = Tag(
            event_id=event_id,
            name=name,
            color=incoming.values.get("color"),
            is_read_only=bool(incoming.values.get("is_read_only")),
            created_at=now,
        )
        with refusals(tags):
            db.add(tag)
            db.flush()
        return answered(db, tags.document(db, tag, token_info), 201, {"Location": tags.location(tag)})

    return run(work)


def list_tags_of_event(event: str, token_info: Claims) -> flask.Response:
    """All tags of an event, for those at its door."""
    return list_of_event(tags, event, token_info, Operation.LIST_EVENT_ATTENDEES)
