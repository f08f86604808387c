"""What changes here is told to others: every commit that changes a versioned row says its full state, once.

Nobody has to remember it. While a transaction flushes, this listens to what becomes new or different; just before the
commit it writes one message per changed event, ticket, code or team member into the outbox, and raises the version of
what the event offers, always in the same order and as the last statements. Changes that take something away from what
was promised to buyers are stopped until orders has agreed to them (see `promises`).

Rows of these types are therefore changed through the ORM only.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, event, select
from sqlalchemy import inspect as examine
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from chassis import clock, money
from chassis.errors import Conflict
from chassis.outbox import publish
from proto.events import events_pb2 as pb
from services.events import messages, promises
from services.events.models import (
    AccessCode,
    DiscountCode,
    Event,
    Member,
    OfferVersion,
    Restriction,
    Ticket,
    UsersEventsRoles,
    access_code_tickets,
    discount_code_tickets,
)
from services.events.models.base import OfOffer, SoftlyDeleted, Versioned

CHANGED, OFFERS = "changed_rows", "changed_offers"


def touch(row: Versioned, now: datetime | None = None) -> None:
    """Makes this a change: the version is raised and the state is told anew."""
    row.changed_at = now or clock.now()


@event.listens_for(Session, "before_flush")
def _notice(db: Session, _context: Any, _instances: Any) -> None:
    now = clock.now()
    changed: set[Any] = db.info.setdefault(CHANGED, set())
    offers: set[int] = db.info.setdefault(OFFERS, set())
    for row in [*db.new, *(row for row in db.dirty if db.is_modified(row)), *db.deleted]:
        if isinstance(row, OfOffer):
            offers.add(row.event_id)
        if isinstance(row, Versioned) and row in db.deleted:
            _require_tombstone(row)
        elif isinstance(row, Versioned):
            if row not in db.new:
                promises.check(db, row)
                touch(row, now)  # also where only a list of related rows has changed
            changed.add(row)
            if isinstance(row, Event) and row not in db.new:
                changed.update(_follow(db, row, now))


def _require_tombstone(row: Versioned) -> None:
    """Raises Conflict (409): what others keep goes for good only after they have heard, and agreed, that it is deleted."""
    if isinstance(row, SoftlyDeleted) and row.deleted_at is None:
        raise Conflict("Delete it first; what is deleted can be deleted for good.", code="not-deleted")


def _follow(db: Session, changed: Event, now: datetime) -> list[Ticket]:
    """The tickets of an event that goes on or off sale or changes its currency: they change with it."""
    committed = examine(changed).committed_state
    if not {"state", "deleted_at", "payment_currency"} & set(committed):
        return []
    with db.no_autoflush:
        tickets = db.scalars(
            select(Ticket).where(Ticket.event_id == changed.id).order_by(Ticket.id).with_for_update(of=Ticket)
        ).all()
    for ticket in tickets:
        if ticket.currency != changed.payment_currency:
            reprice(ticket, changed.payment_currency)
        touch(ticket, now)
    return list(tickets)


def reprice(ticket: Ticket, currency: str) -> None:
    """The same figures in another currency, which may have other minor units."""
    for name in ("price_minor", "min_price_minor", "max_price_minor"):
        amount = money.to_decimal(getattr(ticket, name), ticket.currency)
        setattr(ticket, name, money.to_minor(amount, currency))
    ticket.currency = currency


@event.listens_for(Session, "before_commit")
def _tell(db: Session) -> None:
    if db.in_nested_transaction():
        return
    db.flush()
    changed: set[Any] = db.info.pop(CHANGED, set())
    offers: set[int] = db.info.pop(OFFERS, set())
    if not changed and not offers:
        return
    for row in sorted(changed, key=lambda row: (_ORDER.index(type(row)), row.id)):
        message, key = _message(db, row)
        publish(db, message, key=key)
    offers.update(row.id for row in changed if isinstance(row, Event))
    _raise_offers(db, offers)
    if batch := promises.cleared_batch():
        db.execute(delete(Restriction).where(Restriction.batch == batch))


@event.listens_for(Session, "after_rollback")
def _forget(db: Session) -> None:
    db.info.pop(CHANGED, None)
    db.info.pop(OFFERS, None)


_ORDER: list[type] = [Event, Ticket, DiscountCode, AccessCode, Member]


def _message(db: Session, row: Any) -> tuple[Any, str]:
    if isinstance(row, Event):
        return pb.EventChanged(event=messages.of_event(row)), f"event-{row.id}"
    if isinstance(row, Ticket):
        found = db.execute(select(Event.state, Event.deleted_at).where(Event.id == row.event_id)).one()
        is_on_sale = found.state == "published" and found.deleted_at is None
        return pb.TicketChanged(ticket=messages.of_ticket(row, event_is_on_sale=is_on_sale)), f"ticket-{row.id}"
    if isinstance(row, DiscountCode | AccessCode):
        return pb.DiscountCodeChanged(discount_code=messages.of_code(row, ticket_ids(db, row))), f"code-{row.id}"
    if isinstance(row, Member):
        return pb.EventRoleChanged(event_role=messages.of_member(row, role_ids(db, row))), f"role-{row.id}"
    raise TypeError(f"nobody is told of a {type(row).__name__}")


def ticket_ids(db: Session, code: DiscountCode | AccessCode) -> list[int]:
    """The tickets that a code is for."""
    table = discount_code_tickets if isinstance(code, DiscountCode) else access_code_tickets
    column = table.c.discount_code_id if isinstance(code, DiscountCode) else table.c.access_code_id
    return list(db.scalars(select(table.c.ticket_id).where(column == code.id).order_by(table.c.ticket_id)))


def role_ids(db: Session, member: Member) -> list[int]:
    """The roles of a team member."""
    held = select(UsersEventsRoles.role_id).where(
        UsersEventsRoles.event_id == member.event_id, UsersEventsRoles.user_id == member.user_id
    )
    return list(db.scalars(held))


def _raise_offers(db: Session, event_ids: Iterable[int]) -> None:
    rows = [{"event_id": event_id, "version": 1} for event_id in sorted(event_ids)]
    if rows:
        statement = insert(OfferVersion).values(rows)
        db.execute(
            statement.on_conflict_do_update(index_elements=["event_id"], set_={"version": OfferVersion.version + 1})
        )
