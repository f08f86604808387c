"""Figures of an event's programme, counted when asked: a model over a SELECT, so that it can be included and filtered."""

from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Mapped

from services.events.domain.session_states import STATES
from services.events.models.base import Base
from services.events.models.events import Event
from services.events.models.programme import EventSession, Speaker, Sponsor, session_speakers


def _count(model: Any, *criteria: Any) -> Any:
    found = select(func.count()).select_from(model).where(model.event_id == Event.id, model.deleted_at.is_(None))
    return found.where(*criteria).correlate(Event).scalar_subquery()


_lonely = ~exists().where(session_speakers.c.speaker_id == Speaker.id)

_figures = select(
    Event.id.label("id"),
    Event.identifier.label("identifier"),
    *(_count(EventSession, EventSession.state == state).label(f"sessions_{state}") for state in STATES),
    _count(EventSession, EventSession.state != "draft").label("sessions_submitted"),
    _count(EventSession).label("sessions"),
    _count(Speaker).label("speakers"),
    _count(Speaker, _lonely).label("speaker_without_session"),
    _count(Sponsor).label("sponsors"),
).subquery("general_statistics")


class GeneralStatistics(Base):
    """Sessions by state, speakers, sponsors."""

    __table__ = _figures
    __mapper_args__ = {"primary_key": [_figures.c.id]}  # noqa: RUF012

    id: Mapped[int]
