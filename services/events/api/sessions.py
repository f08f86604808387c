"""Sessions: talks, workshops, whatever happens at a time and a place."""

from typing import Any

import flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.db import transaction
from chassis.jsonapi import Resource
from chassis.responses import JSON, respond
from services.events import programme, queries
from services.events.api.events import events
from services.events.api.of_event import SPEC
from services.events.api.speakers_calls import said_hash
from services.events.domain import session_states
from services.events.models import EventSession

Values = dict[str, Any]


def _before_create(db: Session, claims: Claims, values: Values, related: Values) -> None:
    programme.prepare_new_session(db, claims, values, related, word=said_hash())


def _before_update(db: Session, claims: Claims, row: EventSession, values: Values, related: Values) -> None:
    programme.prepare_session_change(db, claims, row, values, related)


sessions = Resource(
    "session",
    EventSession,
    spec=SPEC,
    visible=queries.visible_sessions,
    computed={
        "average-rating": lambda row: row.average_rating or 0,
    },
    before_create=_before_create,
    before_update=_before_update,
    may_change=programme.may_change_session,
)

list_sessions = sessions.listing(queries.listed_sessions)
create_session, get_session = sessions.create, sessions.fetch
update_session, delete_session = sessions.update, sessions.delete
list_sessions_of_event = events.fetch_related("sessions")
get_event_of_session = sessions.fetch_related("event")
get_track_of_session = sessions.fetch_related("track")
get_session_type_of_session = sessions.fetch_related("session-type")
get_microlocation_of_session = sessions.fetch_related("microlocation")
get_creator_of_session = sessions.fetch_related("creator")
get_favourite_of_session = sessions.fetch_related("favourite")
list_favourites_of_session = sessions.fetch_related("favourites")
list_favourites_of_session_too = sessions.fetch_related("favourites")
list_speakers_of_session = sessions.fetch_related("speakers")
list_feedbacks_of_session = sessions.fetch_related("feedbacks")
list_exhibitors_of_session = sessions.fetch_related("exhibitors")


def get_session_states() -> flask.Response:
    """Who may move a session from which state to which."""
    return respond(session_states.as_document(), media_type=JSON)


def list_session_dates(identifier: str, token_info: Claims | None = None) -> flask.Response:
    """The days on which something happens, in the zone of the event."""
    with transaction() as db:
        event = events.find(db, identifier, token_info)
        day = func.to_char(func.timezone(event.timezone, EventSession.starts_at), "YYYY-MM-DD")
        return respond(_scheduled(db, event.id, day), media_type=JSON)


def list_session_languages(identifier: str, token_info: Claims | None = None) -> flask.Response:
    """The languages of what happens."""
    with transaction() as db:
        event = events.find(db, identifier, token_info)
        return respond(_scheduled(db, event.id, EventSession.language), media_type=JSON)


def _scheduled(db: Session, event_id: int, column: Any) -> list[str]:
    found = select(column).where(
        EventSession.event_id == event_id,
        EventSession.deleted_at.is_(None),
        EventSession.state.in_(session_states.PUBLIC),
        column.is_not(None),
        column != "",
    )
    return list(db.scalars(found.distinct().order_by(column)))
