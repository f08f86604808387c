"""What people thought of an event or a session."""

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.errors import Conflict, Forbidden, Unprocessable
from chassis.jsonapi import Resource
from services.events import queries
from services.events.api.events import events
from services.events.api.of_event import SPEC
from services.events.models import Event, EventSession, Feedback

Values = dict[str, Any]


def _visible(claims: Claims | None) -> Any:
    shown_events, shown_sessions = queries.visible_events(claims), queries.visible_sessions(claims)
    if shown_events is True:
        return True
    of_events = queries.alone(select(Event.id).where(Event.deleted_at.is_(None), shown_events))
    of_sessions = queries.alone(select(EventSession.id).where(EventSession.deleted_at.is_(None), shown_sessions))
    return or_(Feedback.event_id.in_(of_events), Feedback.session_id.in_(of_sessions))


def _before_create(db: Session, claims: Claims, values: Values, related: Values) -> None:
    if (related.get("event") is None) == (related.get("session") is None):
        raise Unprocessable(
            "A feedback is about either an event or a session.",
            code="feedback-about-one",
            source={"pointer": "/data/relationships"},
        )
    values["user_id"] = claims.user_id
    _require_rater(db, claims, related.get("session"))
    known = db.query(Feedback.id).filter_by(
        user_id=claims.user_id, event_id=related.get("event"), session_id=related.get("session")
    )
    if known.first() is not None:
        raise Conflict("You have rated this already; change what you said then.", code="already-rated")


def _require_rater(db: Session, claims: Claims, session_id: int | None) -> None:
    """Raises RoleRequired (403): sessions are rated by those who choose them. What cannot be seen is refused elsewhere."""
    found = select(EventSession.event_id).where(EventSession.id == session_id, EventSession.deleted_at.is_(None))
    event_id = db.scalar(found.where(queries.visible_sessions(claims)))
    if event_id is not None:
        queries.require(db, claims, event_id, "coorganizer")


def _before_update(_db: Session, _claims: Claims, _row: Feedback, values: Values, related: Values) -> None:
    related.clear()
    if values.get("rating") is None:
        values.pop("rating", None)


def _may_change(_db: Session, claims: Claims, row: Feedback) -> None:
    if row.user_id != claims.user_id and not claims.is_admin:
        raise Forbidden("A feedback is changed by who gave it.", code="self-required")


feedbacks = Resource(
    "feedback",
    Feedback,
    spec=SPEC,
    visible=_visible,
    before_create=_before_create,
    before_update=_before_update,
    may_change=_may_change,
)

create_feedback, get_feedback = feedbacks.create, feedbacks.fetch
update_feedback, delete_feedback = feedbacks.update, feedbacks.delete
list_feedbacks_of_event = events.fetch_related("feedbacks")
get_event_of_feedback = feedbacks.fetch_related("event")
get_session_of_feedback = feedbacks.fetch_related("session")
get_user_of_feedback = feedbacks.fetch_related("user")
