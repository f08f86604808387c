"""Changes of an event's programme: who may propose, change and move what, and what has to be filled in."""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.errors import Conflict, Forbidden, Unprocessable
from services.events import queries
from services.events.domain import forms, schedule, session_states
from services.events.models import (
    CustomForm,
    Event,
    EventSession,
    Microlocation,
    SessionType,
    Speaker,
    SpeakersCall,
    Track,
    session_speakers,
)

Values = dict[str, Any]

PLACED = ("starts_at", "ends_at")
OF_SAME_EVENT = {"track": Track, "session_type": SessionType, "microlocation": Microlocation, "speakers": Speaker}


class CallClosed(Forbidden):
    code = "call-closed"


def prepare_call(db: Session, claims: Claims, row: SpeakersCall | None, values: Values, related: Values) -> None:
    """One call per event (409), which starts before it ends (422)."""
    for name in PLACED:
        if name in values and values[name] is None:
            del values[name]
    starts_at: Any = values.get("starts_at", getattr(row, "starts_at", None))
    ends_at: Any = values.get("ends_at", getattr(row, "ends_at", None))
    if starts_at >= ends_at:
        raise _refused("dates-invalid", "The call has to start before it ends.", "ends-at")
    if row is None:
        event = queries.event_for(db, claims, related["event"], "coorganizer", lock=True)
        if not values.get("hash"):
            values.pop("hash", None)  # the table draws one
        found = select(SpeakersCall.id).where(SpeakersCall.event_id == event.id, SpeakersCall.deleted_at.is_(None))
        if db.scalars(found).first() is not None:
            raise Conflict("This event has its call already; change that one.", code="call-exists")


def prepare_speaker(
    db: Session, claims: Claims, row: Speaker | None, values: Values, related: Values, *, word: str = ""
) -> None:
    """Checks a new or changed speaker. Raises 403 when the call is closed or the address is taken, 422 for gaps.

    `word`: what the caller says is the hash of a private call.
    """
    event = _event(db, claims, related) if row is None else queries.event_of(db, row)
    runs_event = queries.holds(db, claims, event.id, "coorganizer")
    if row is None and not runs_event:
        _check_open(db, event, word)
    if row is not None:
        related.pop("event", None)
    if values.get("name") is None:
        values.pop("name", None)
    if not runs_event:
        values.pop("is_featured", None)
        values.pop("is_email_overridden", None)
        values.pop("email", None)
        if row is None:
            values["email"] = claims.email
    if row is None:
        is_own = not runs_event or (values.get("email") or "").strip().lower() == claims.email.lower()
        values["user_id"] = claims.user_id if is_own else None
    if values.get("email"):
        values["email"] = values["email"].strip()
        _check_address(db, event.id, row, values["email"])
    queries.check_same_event(db, event.id, related, {"sessions": EventSession})
    if not runs_event:
        _check_own_sessions(db, claims, row, related)
        if row is None:
            _check_form(db, event.id, "speaker", values)


def may_change_speaker(db: Session, claims: Claims, row: Speaker) -> None:
    """The speaker, and those who run the event."""
    if not is_speaker(claims, row):
        queries.require(db, claims, row.event_id, "coorganizer")


def is_speaker(claims: Claims, row: Speaker) -> bool:
    """Whether the caller is this speaker: by account, or by a verified address."""
    is_named = claims.is_verified and (row.email or "").lower() == claims.email.lower()
    return row.user_id == claims.user_id or is_named


def prepare_new_session(db: Session, claims: Claims, values: Values, related: Values, *, word: str = "") -> None:
    """Checks a proposal, or what those who run the event add at any time. `word`: see `prepare_speaker`."""
    event = _event(db, claims, related)
    runs_event = queries.holds(db, claims, event.id, "coorganizer")
    if not runs_event:
        _check_open(db, event, word)
    values["creator_id"] = claims.user_id
    values["state"] = values.get("state") or "pending"
    if not runs_event:
        _keep_for_organizers(values, related)
        if values["state"] != "draft":
            values["state"] = "pending"
        _check_own_speakers(db, claims, set(), related)
    queries.check_same_event(db, event.id, related, OF_SAME_EVENT)
    if values["state"] != "draft" and not runs_event:
        _check_form(db, event.id, "session", {**values, **related})
    _check_schedule(db, event, None, values, related)


def prepare_session_change(db: Session, claims: Claims, row: EventSession, values: Values, related: Values) -> None:
    """Checks a change. Raises 403 for a state that this person cannot give, 409 for a room that is taken."""
    related.pop("event", None)
    event = queries.event_of(db, row)
    runs_event = queries.holds(db, claims, event.id, "coorganizer")
    for name in ("title", "state"):
        if name in values and values[name] is None:
            del values[name]
    if not queries.holds(db, claims, event.id, "organizer"):
        values.pop("is_locked", None)
    if not runs_event:
        _keep_for_organizers(values, related)
        _check_own_speakers(db, claims, _speaker_ids(db, row), related)
    state = values.get("state", row.state)
    session_states.check_move(row.state, state, runs_event=runs_event)
    queries.check_same_event(db, event.id, related, OF_SAME_EVENT)
    if row.state == "draft" and state != "draft" and not runs_event:
        _check_open(db, event, None)  # whoever made the draft was let in already
        names = [column.key for column in EventSession.__table__.columns]
        current = {name: getattr(row, name) for name in names}
        current["track"], current["session_type"] = row.track_id, row.session_type_id
        _check_form(db, event.id, "session", {**current, **values, **related})
    _check_schedule(db, event, row, values, related)


def may_change_session(db: Session, claims: Claims, row: EventSession) -> None:
    """Its speakers, its creator, and those who run the event; a locked one is for organizers."""
    if row.is_locked and not queries.holds(db, claims, row.event_id, "organizer"):
        raise Forbidden("This session is locked; only organizers change it.", code="session-locked")
    if row.creator_id == claims.user_id:
        return
    mine = select(session_speakers.c.session_id).where(session_speakers.c.session_id == row.id)
    mine = mine.join(Speaker, Speaker.id == session_speakers.c.speaker_id)
    mine = mine.where(Speaker.deleted_at.is_(None), queries.is_speaker(claims))
    if db.execute(mine.limit(1)).first() is None:
        queries.require(db, claims, row.event_id, "coorganizer")


def _event(db: Session, claims: Claims, related: Values) -> Event:
    """The event that something is proposed to: any that the caller may see."""
    return queries.event_for(db, claims, related.get("event"), None)


def _check_open(db: Session, event: Event, word: str | None) -> None:
    """Refuses when no call is open. To who does not know its hash, a private call is none; None: do not ask for it."""
    if not event.is_sessions_speakers_enabled:
        raise Forbidden("This event has no sessions and speakers.", code="sessions-disabled")
    found = select(SpeakersCall).where(SpeakersCall.event_id == event.id, SpeakersCall.deleted_at.is_(None))
    call = db.scalars(found).first()
    now = clock.now()
    is_told = call is not None and (word is None or call.privacy != "private" or _knows(call, word))
    if call is None or not is_told or not call.starts_at <= now <= call.ends_at:
        raise CallClosed("This event does not take proposals now.")


def _knows(call: SpeakersCall, word: str) -> bool:
    return bool(call.hash) and secrets.compare_digest((call.hash or "").encode(), word.encode())


def _keep_for_organizers(values: Values, related: Values) -> None:
    for name in (*PLACED, "is_locked", "submitted_at"):
        values.pop(name, None)
    related.pop("microlocation", None)


def _check_own_speakers(db: Session, claims: Claims, known: set[int], related: Values) -> None:
    """Others than those who run the event add themselves; who is there already may stay or go."""
    added = set(related.get("speakers") or ()) - known
    for speaker in db.scalars(select(Speaker).where(Speaker.id.in_(added))) if added else ():
        if not is_speaker(claims, speaker):
            raise Forbidden("You can only add yourself as a speaker.", code="speaker-foreign")


def _check_own_sessions(db: Session, claims: Claims, row: Speaker | None, related: Values) -> None:
    wanted = set(related.get("sessions") or ())
    if row is not None:
        held = select(session_speakers.c.session_id).where(session_speakers.c.speaker_id == row.id)
        wanted -= set(db.scalars(held))
    for session in db.scalars(select(EventSession).where(EventSession.id.in_(wanted))) if wanted else ():
        if session.creator_id != claims.user_id:
            raise Forbidden("You can only speak in sessions of your own.", code="session-foreign")


def _speaker_ids(db: Session, row: EventSession) -> set[int]:
    return set(db.scalars(select(session_speakers.c.speaker_id).where(session_speakers.c.session_id == row.id)))


def _check_address(db: Session, event_id: int, row: Speaker | None, email: str) -> None:
    same = select(Speaker.id).where(
        Speaker.event_id == event_id, func.lower(Speaker.email) == email.lower(), Speaker.deleted_at.is_(None)
    )
    if row is not None:
        same = same.where(Speaker.id != row.id)
    if db.scalars(same).first() is not None:
        raise Forbidden("There is a speaker with this address already.", code="speaker-exists")


def _check_form(db: Session, event_id: int, form: str, answers: Values) -> None:
    required = db.execute(
        select(CustomForm.field_identifier, CustomForm.name, CustomForm.is_complex).where(
            CustomForm.event_id == event_id,
            CustomForm.form == form,
            CustomForm.is_included,
            CustomForm.is_required,
        )
    )
    fields = [forms.Field(row.field_identifier, row.name or row.field_identifier, row.is_complex) for row in required]
    complex_answers = answers.get("complex_field_values")
    forms.check_answers(fields, answers, complex_answers if isinstance(complex_answers, dict) else {})


def _check_schedule(db: Session, event: Event, row: EventSession | None, values: Values, related: Values) -> None:
    slot = schedule.Slot(
        starts_at=values.get("starts_at", row.starts_at if row else None),
        ends_at=values.get("ends_at", row.ends_at if row else None),
        room_id=related.get("microlocation", row.microlocation_id if row else None),
        state=values.get("state", row.state if row else "pending"),
    )
    before = None if row is None else schedule.Slot(row.starts_at, row.ends_at, row.microlocation_id, row.state)
    if slot == before:
        return
    schedule.check_times(slot, event.starts_at, event.ends_at)
    if slot.takes_room:
        _check_room(db, row, slot)


def _check_room(db: Session, row: EventSession | None, slot: schedule.Slot) -> None:
    """Who puts a session into a room locks the room first: of two at once, the second sees the first."""
    db.execute(select(Microlocation.id).where(Microlocation.id == slot.room_id).with_for_update(key_share=True))
    others = select(EventSession.id, EventSession.title).where(
        EventSession.microlocation_id == slot.room_id,
        EventSession.deleted_at.is_(None),
        EventSession.state.in_(schedule.TAKING),
        EventSession.starts_at < slot.ends_at,
        EventSession.ends_at > slot.starts_at,
    )
    if row is not None:
        others = others.where(EventSession.id != row.id)
    if taken := db.execute(others.limit(1)).first():
        raise Conflict(
            f"The room is taken by “{taken.title}” at that time.",
            code="room-taken",
            source={"pointer": "/data/attributes/starts-at"},
            meta={"session": str(taken.id)},
        )


def reject_stale(db: Session, now: datetime) -> int:
    """Proposals that nobody answered before their event ended are rejected. How many."""
    over = queries.alone(select(Event.id).where(Event.ends_at < now))
    stale = db.scalars(
        select(EventSession)
        .where(EventSession.state == "pending", EventSession.deleted_at.is_(None), EventSession.event_id.in_(over))
        .limit(500)
        .with_for_update(skip_locked=True)
    ).all()
    for session in stale:
        session.state = "rejected"
    return len(stale)


def _refused(code: str, sentence: str, attribute: str) -> Unprocessable:
    return Unprocessable(sentence, code=code, source={"pointer": f"/data/attributes/{attribute}"})
