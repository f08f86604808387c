"""Events: what people attend."""

from typing import Any

import flask
from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import transaction
from chassis.jsonapi import Resource
from chassis.responses import JSON, respond
from services.events import commands, details, promises, queries, sales
from services.events.api.of_event import SPEC, requires
from services.events.models import Event

Values = dict[str, Any]


def _before_create(db: Session, claims: Claims, values: Values, related: Values) -> Event:
    return commands.new_event(db, claims, values, related)


def _may_create(_db: Session, _claims: Claims, _row: Event) -> None:
    """Everyone may who passes `commands.new_event`."""


def _before_update(db: Session, claims: Claims, row: Event, values: Values, related: Values) -> None:
    commands.change_event(db, claims, row, values, related)


events = Resource(
    "event",
    Event,
    spec=SPEC,
    visible=queries.visible_events,
    listed=queries.listed_events,
    keeps_views=True,
    levels={"coorganizer": queries.runs(Event.id)},
    computed={
        "large-image-url": lambda event: event.original_image_url,
        "thumbnail-image-url": lambda event: event.original_image_url,
        "icon-image-url": lambda event: event.original_image_url,
        "chat-room-name": lambda _: None,
        "pentabarf-url": lambda _: None,
        "ical-url": lambda _: None,
        "xcal-url": lambda _: None,
        "completed-order-sales": sales.completed_amount,
        "placed-order-sales": sales.placed_amount,
        "pending-order-sales": lambda _: None,
        "pending-order-tickets": lambda _: None,
    },
    before_create=_before_create,
    before_update=_before_update,
    may_create=_may_create,
    may_change=requires("coorganizer"),
    after_change=commands.found_event,
)


def upcoming(_claims: Claims | None) -> ColumnElement[bool]:
    """Published, public, not over, and not demoted (unless promoted too)."""
    return and_(
        Event.state == "published",
        Event.privacy == "public",
        Event.ends_at > clock.now(),
        or_(Event.is_promoted.is_(True), Event.is_demoted.is_(False)),
    )


list_events = events.fetch_page
list_upcoming_events = events.listing(upcoming, sort="starts-at")
create_event = events.create
get_owner = events.fetch_related("owner")
list_organizers = events.fetch_related("organizers")
list_coorganizers = events.fetch_related("coorganizers")
list_track_organizers = events.fetch_related("track-organizers")
list_moderators = events.fetch_related("moderators")
list_registrars = events.fetch_related("registrars")
get_video_stream = events.fetch_related("video-stream")
get_general_statistics = events.fetch_related("general-statistics")

_update = promises.kept(events.update)
_delete = promises.kept(events.delete)


def get_event(identifier: str, token_info: Claims | None = None) -> flask.Response:
    """GET of one: see `details` for why it is quick."""
    return details.get_event(events, identifier, token_info)


def update_event(identifier: str, body: Any = None, token_info: Claims | None = None) -> flask.Response:
    """PATCH. Whether there are orders is asked before the transaction, when the answer matters."""
    sales.check_new_currency(identifier, body, token_info)
    return _update(body=body, token_info=token_info, identifier=identifier)


def delete_event(identifier: str, token_info: Claims | None = None) -> flask.Response:
    """DELETE, softly. An event with orders is deleted by super admins only."""
    with sales.deletion(identifier, token_info):
        return _delete(token_info=token_info, identifier=identifier)


def get_streams(identifier: str, token_info: Claims | None = None) -> flask.Response:
    """Video rooms are not part of this platform."""
    with transaction() as db:
        events.find(db, identifier, token_info)
    return respond({"exists": False, "can_access": False}, media_type=JSON)
