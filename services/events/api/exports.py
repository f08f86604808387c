"""The programme as CSV, for those who run the event. How clients get it: `chassis.exports`."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import flask
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from chassis.auth import Claims
from chassis.db import transaction
from chassis.exports import Exports
from services.events import config, queries
from services.events.api.events import events
from services.events.models import EventSession, Speaker

exports = Exports("/v1/programme-exports", config.current)
SESSION_COLUMNS = (
    "title", "subtitle", "state", "level", "language", "short_abstract", "long_abstract", "comments", "starts_at",
    "ends_at", "submitted_at", "slides_url", "video_url", "audio_url", "website",
)  # fmt: skip
SPEAKER_COLUMNS = (
    "name", "email", "mobile", "organisation", "position", "country", "city", "address", "gender", "short_biography",
    "long_biography", "speaking_experience", "heard_from", "sponsorship_required", "website", "twitter", "facebook",
    "github", "mastodon", "linkedin", "instagram", "photo_url", "is_featured",
)  # fmt: skip


def export_sessions(identifier: str, token_info: Claims) -> flask.Response:
    """Starts the export of the sessions."""
    return _start("sessions", identifier, token_info)


def export_speakers(identifier: str, token_info: Claims) -> flask.Response:
    """Starts the export of the speakers."""
    return _start("speakers", identifier, token_info)


def get_export(token: str) -> flask.Response:
    """The task."""
    return exports.state(token)


def get_export_file(token: str, name: str) -> flask.Response:
    """The file."""
    with transaction() as db:
        rows = {
            "sessions": lambda event_id: _sessions(db, event_id),
            "speakers": lambda event_id: _speakers(db, event_id),
        }
        return exports.file(token, name, rows)


def _start(kind: str, identifier: str, claims: Claims) -> flask.Response:
    with transaction() as db:
        event = events.find(db, identifier, claims)
        queries.require(db, claims, event.id, "coorganizer")
        return exports.start(kind, event.id)


def _sessions(db: Session, event_id: int) -> Iterator[Sequence[Any]]:
    yield _head(SESSION_COLUMNS, "track", "session type", "room", "speakers", "average rating")
    found = (
        select(EventSession)
        .where(EventSession.event_id == event_id, EventSession.deleted_at.is_(None))
        .options(
            selectinload(EventSession.track),
            selectinload(EventSession.session_type),
            selectinload(EventSession.microlocation),
            selectinload(EventSession.speakers),
        )
        .order_by(EventSession.id)
    )
    for session in db.scalars(found):
        places = (session.track, session.session_type, session.microlocation)
        names = [None if place is None or place.deleted_at is not None else place.name for place in places]
        speakers = _names(speaker.name for speaker in session.speakers if speaker.deleted_at is None)
        own = [getattr(session, column) for column in SESSION_COLUMNS]
        yield [*own, *names, speakers, session.average_rating or ""]


def _speakers(db: Session, event_id: int) -> Iterator[Sequence[Any]]:
    yield _head(SPEAKER_COLUMNS, "sessions")
    found = (
        select(Speaker)
        .where(Speaker.event_id == event_id, Speaker.deleted_at.is_(None))
        .options(selectinload(Speaker.sessions))
        .order_by(Speaker.id)
    )
    for speaker in db.scalars(found):
        sessions = _names(session.title for session in speaker.sessions if session.deleted_at is None)
        yield [*(getattr(speaker, column) for column in SPEAKER_COLUMNS), sessions]


def _head(columns: Sequence[str], *others: str) -> list[str]:
    return [*(column.replace("_", " ") for column in columns), *others]


def _names(names: Iterable[str]) -> str:
    return "; ".join(sorted(names))
