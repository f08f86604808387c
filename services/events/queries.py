"""Who may see which rows, and the reads that deserve a name."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.errors import Forbidden, NotFound, Unprocessable
from services.events.domain.roles import PASSING, passes
from services.events.models import (
    AccessCode,
    DiscountCode,
    Event,
    EventSession,
    Module,
    Speaker,
    Ticket,
    User,
    UsersEventsRoles,
    session_speakers,
)

Criterion = ColumnElement[bool]


class RoleRequired(Forbidden):
    code = "event-role-required"


# Rows that a caller may see


def events_of_team(claims: Claims, check: str) -> Select[Any]:
    """The ids of the events in which the caller passes a check."""
    return alone(
        select(UsersEventsRoles.event_id).where(
            UsersEventsRoles.user_id == claims.user_id, UsersEventsRoles.role_id.in_(PASSING[check])
        )
    )


def alone(statement: Select[Any]) -> Select[Any]:
    """A subquery that stands for itself, whichever statement it ends up in."""
    return statement.correlate(None)


def visible_events(claims: Claims | None) -> Any:
    """Published ones; and those in whose team the caller is."""
    return _or_of_team(Event.state == "published", claims)


def listed_events(claims: Claims | None) -> Any:
    """Without private events of others: they are found by their link only."""
    return _or_of_team(Event.privacy == "public", claims)


def _or_of_team(open_to_all: Criterion, claims: Claims | None) -> Any:
    if claims is None:
        return open_to_all
    if claims.is_admin:
        return True
    return or_(open_to_all, Event.id.in_(events_of_team(claims, "team")))


def of_visible_events(model: Any) -> Any:
    """Rows of events that the caller may see."""

    def visible(claims: Claims | None) -> Any:
        events = visible_events(claims)
        if events is True:
            return True
        shown: Criterion = model.event_id.in_(alone(select(Event.id).where(Event.deleted_at.is_(None), events)))
        return shown

    return visible


def of_listed_events(model: Any) -> Any:
    """Rows of events that are listed for the caller: for lists that go across events."""

    def listed(claims: Claims | None) -> Any:
        events = listed_events(claims)
        if events is True:
            return True
        shown: Criterion = model.event_id.in_(alone(select(Event.id).where(events)))
        return shown

    return listed


def runs(column: Any, check: str = "coorganizer") -> Any:
    """The rows (by their event's column) on which the caller passes a check; for `levels` and `visible`."""

    def held(claims: Claims | None) -> Any:
        if claims is None:
            return False
        if claims.is_admin:
            return True
        passed: Criterion = column.in_(events_of_team(claims, check))
        return passed

    return held


_opened: ContextVar[Select[Any] | None] = ContextVar("opened", default=None)


@contextmanager
def opened(ticket_ids: Select[Any] | None) -> Iterator[None]:
    """Within the block these tickets are visible although they are hidden: the caller has named a code for them."""
    token = _opened.set(ticket_ids)
    try:
        yield
    finally:
        _opened.reset(token)


def visible_tickets(claims: Claims | None) -> Any:
    """Of visible events; hidden ones for those who run the event, or have opened them."""
    shown = of_visible_events(Ticket)(claims)
    if shown is True:
        return True
    open_to_caller: list[Criterion] = [Ticket.is_hidden.is_(False)]
    if claims is not None:
        open_to_caller.append(Ticket.event_id.in_(events_of_team(claims, "coorganizer")))
    if (ticket_ids := _opened.get()) is not None:
        open_to_caller.append(Ticket.id.in_(ticket_ids))
    return and_(shown, or_(*open_to_caller))


def visible_discount_codes(claims: Claims | None) -> Any:
    """Ticket codes of events that the caller runs, or that name the caller. Codes of events: server admins only."""
    if claims is None or claims.is_admin:
        return claims is not None
    own = DiscountCode.event_id.in_(events_of_team(claims, "coorganizer"))
    return and_(DiscountCode.used_for == "ticket", or_(own, DiscountCode.marketer_id == claims.user_id))


def visible_access_codes(claims: Claims | None) -> Any:
    """Those of events that the caller runs, or that name the caller."""
    if claims is None or claims.is_admin:
        return claims is not None
    own = AccessCode.event_id.in_(events_of_team(claims, "coorganizer"))
    return or_(own, AccessCode.marketer_id == claims.user_id)


def speaks_in(claims: Claims) -> Select[Any]:
    """The ids of the sessions in which the caller speaks."""
    return alone(
        select(session_speakers.c.session_id)
        .join(Speaker, Speaker.id == session_speakers.c.speaker_id)
        .where(Speaker.deleted_at.is_(None), is_speaker(claims))
    )


def is_speaker(claims: Claims) -> Criterion:
    """Speakers who are the caller: by account, or by a verified address."""
    by_account = Speaker.user_id == claims.user_id
    if not claims.is_verified:
        return by_account
    return or_(by_account, func.lower(Speaker.email) == claims.email.lower())


def visible_sessions(claims: Claims | None) -> Any:
    """Accepted and confirmed ones; others for their speakers, their creator and the event's team."""
    shown = of_visible_events(EventSession)(claims)
    if shown is True:
        return True
    public = EventSession.state.in_(("accepted", "confirmed"))
    if claims is None:
        return and_(shown, public)
    return or_(
        and_(shown, public),
        EventSession.event_id.in_(events_of_team(claims, "team")),
        EventSession.creator_id == claims.user_id,
        EventSession.id.in_(speaks_in(claims)),
    )


def listed_sessions(claims: Claims | None) -> Any:
    """Those of listed events, and one's own."""
    listed = of_listed_events(EventSession)(claims)
    if listed is True or claims is None:
        return listed
    return or_(listed, EventSession.creator_id == claims.user_id, EventSession.id.in_(speaks_in(claims)))


def visible_speakers(claims: Claims | None) -> Any:
    """Those of visible events who have an accepted session or are featured; others for themselves and the team."""
    shown = of_visible_events(Speaker)(claims)
    if shown is True:
        return True
    accepted = alone(
        select(session_speakers.c.speaker_id)
        .join(EventSession, EventSession.id == session_speakers.c.session_id)
        .where(EventSession.state.in_(("accepted", "confirmed")), EventSession.deleted_at.is_(None))
    )
    public = and_(shown, or_(Speaker.is_featured.is_(True), Speaker.id.in_(accepted)))
    if claims is None:
        return public
    return or_(public, Speaker.event_id.in_(events_of_team(claims, "team")), is_speaker(claims))


def colleagues(claims: Claims) -> Criterion:
    """The caller, and the people in the teams of events that the caller runs."""
    own = events_of_team(claims, "coorganizer")
    return or_(
        User.id == claims.user_id,
        User.id.in_(alone(select(UsersEventsRoles.user_id).where(UsersEventsRoles.event_id.in_(own)))),
    )


# Single rows and facts


def role_ids(db: Session, event_id: int, user_id: int) -> list[int]:
    """The roles that a user holds in an event."""
    held = select(UsersEventsRoles.role_id).where(
        UsersEventsRoles.event_id == event_id, UsersEventsRoles.user_id == user_id
    )
    return list(db.scalars(held))


def holds(db: Session, claims: Claims, event_id: int, check: str) -> bool:
    """Whether the caller passes a check in an event; server admins pass every one."""
    return claims.is_admin or passes(check, role_ids(db, event_id, claims.user_id))


def require(db: Session, claims: Claims, event_id: int, check: str) -> None:
    """Raises RoleRequired (403) unless the caller passes the check in this event."""
    if not holds(db, claims, event_id, check):
        raise RoleRequired(f"You need to be {check} of this event or higher to do this.", meta={"role": check})


def event_for(db: Session, claims: Claims, event_id: int | None, check: str | None, *, lock: bool = False) -> Event:
    """The event that something is made for, kept from changing until the commit.

    Raises Unprocessable without an id, NotFound for an event that the caller may not see, RoleRequired below the role.
    `check` None: whoever sees it may. `lock`: others who make something of this kind for the event wait.
    """
    if event_id is None:
        raise Unprocessable(
            "Say which event this is for.", code="event-missing", source={"pointer": "/data/relationships/event"}
        )
    visible = visible_events(claims)
    found = select(Event).where(Event.id == event_id, Event.deleted_at.is_(None))
    if visible is not True:
        found = found.where(visible)
    found = found.with_for_update(of=Event, key_share=True) if lock else found.with_for_update(of=Event, read=True)
    event = db.scalars(found.execution_options(populate_existing=True)).first()
    if event is None:
        raise NotFound("There is no such event.", source={"pointer": "/data/relationships/event"})
    if check is not None:
        require(db, claims, event.id, check)
    return event


def event_of(db: Session, row: Any) -> Event:
    """The event that a row belongs to, as it is now."""
    found = select(Event).where(Event.id == row.event_id).execution_options(populate_existing=True)
    return db.scalars(found).one()


def modules(db: Session) -> Module:
    """Which parts of the platform are on."""
    return db.get_one(Module, 1)


def named_event(db: Session, key: str) -> Event | None:
    """The live event with this number or identifier, whoever asks."""
    if key.isascii() and key.isdigit():
        criterion = Event.id == int(key[:18])
    else:
        criterion = Event.identifier == key[:8] if len(key) == 8 else false()
    return db.scalars(select(Event).where(criterion, Event.deleted_at.is_(None))).first()


def check_same_event(db: Session, event_id: int, related: dict[str, Any], models: dict[str, Any]) -> None:
    """Raises Unprocessable (422) where a relation leads into another event."""
    for name, model in models.items():
        wanted = related.get(name)
        ids = set(wanted if isinstance(wanted, list) else [] if wanted is None else [wanted])
        if not ids:
            continue
        found = set(db.scalars(select(model.id).where(model.id.in_(ids), model.event_id == event_id)))
        if missing := ids - found:
            raise Unprocessable(
                f"{name.replace('_', ' ').capitalize()} {min(missing)} does not belong to this event.",
                code="another-event",
                source={"pointer": f"/data/relationships/{name.replace('_', '-')}"},
            )
