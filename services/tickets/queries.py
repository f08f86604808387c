"""Reads and locks that deserve a name."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from chassis.db import execute
from proto.events.events_pb2 import Event as EventState
from proto.orders.orders_pb2 import OrderState
from services.tickets.models import Event, EventRole, Order, Scan, Ticket

orders, tickets, scans = Order.__table__.c, Ticket.__table__.c, Scan.__table__.c


def count_due(db: Session) -> int:
    """How many orders wait to be drawn."""
    is_due = (orders.rendered_revision < orders.revision) | orders.is_invoice_wanted
    return db.scalar(select(func.count()).select_from(Order).where(orders.status == "paid", is_due)) or 0


def order_of(db: Session, identifier: str) -> Order | None:
    """As far as tickets has heard of it."""
    return db.get(Order, identifier)


def tickets_of(db: Session, identifier: str) -> Sequence[Ticket]:
    """All tickets of an order, void ones too, by attendee."""
    chosen = select(Ticket).where(tickets.order_identifier == identifier, tickets.status != "unissued")
    return db.scalars(chosen.order_by(tickets.attendee_id)).all()


def valid_tickets(db: Session, identifier: str) -> Sequence[Ticket]:
    """The tickets of an order that let people in, by attendee."""
    chosen = select(Ticket).where(tickets.order_identifier == identifier, tickets.status == "valid")
    return db.scalars(chosen.order_by(tickets.attendee_id)).all()


def ticket_by_token(db: Session, token: str) -> Ticket | None:
    """Whatever its status."""
    return db.scalars(select(Ticket).where(tickets.token == token)).first()


def lock_ticket(db: Session, attendee_id: int) -> Ticket | None:
    """FOR UPDATE: at the door nobody passes at the same moment with the same ticket."""
    return db.scalars(select(Ticket).where(tickets.attendee_id == attendee_id).with_for_update()).first()


def passages_of(db: Session, attendee_id: int) -> Sequence[Scan]:
    """In the order in which they were told."""
    return db.scalars(select(Scan).where(scans.attendee_id == attendee_id).order_by(scans.id)).all()


def present_pdfs(db: Session, issues: Sequence[tuple[int, int]], identifiers: Sequence[str]) -> dict[str, str]:
    """Where the PDFs of these (attendee, issue) and of these orders lie, for those that are valid now."""
    found: dict[str, str] = {}
    if issues:
        attendees, numbers = map(list, zip(*issues, strict=True))
        for row in execute(db, _TICKET_PDFS, (attendees, numbers)):
            found[f"ticket:{row.attendee_id}:{row.issue}"] = row.pdf_key
    if identifiers:
        for row in execute(db, _ORDER_PDFS, (list(identifiers),)):
            found[f"order:{row.identifier}"] = row.pdf_key
    return found


_TICKET_PDFS = """
SELECT attendee_id, issue, pdf_key FROM tickets JOIN unnest(%s::bigint[], %s::int[]) AS wanted (attendee_id, issue)
USING (attendee_id, issue) WHERE status = 'valid' AND pdf_key <> ''
"""
_ORDER_PDFS = "SELECT identifier, pdf_key FROM orders WHERE identifier = ANY(%s) AND pdf_key <> ''"


def event_state(db: Session, event_id: int) -> EventState | None:
    """The event as events last said it."""
    state = db.execute(select(Event.state).where(Event.id == event_id)).scalar()
    return EventState.FromString(state) if state is not None else None


def timezone_of(db: Session, ticket: Ticket) -> str:
    """The zone of the event that a ticket is for, as events last said it or as it was when the order was paid."""
    event = event_state(db, ticket.event_id)
    if event is not None and event.timezone:
        return event.timezone
    state = db.execute(select(orders.state).where(orders.identifier == ticket.order_identifier)).scalar()
    return OrderState.FromString(state).event.timezone if state is not None else ""


def roles_in_event(db: Session, event_id: int, user_id: int) -> frozenset[str] | None:
    """None when the replica knows nothing about the two."""
    pair = select(EventRole).where(EventRole.event_id == event_id, EventRole.user_id == user_id)
    found = db.scalars(pair).first()
    return None if found is None else frozenset(found.roles)
