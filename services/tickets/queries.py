"""Reads and locks that deserve a name."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.orm import Session

from proto.events.events_pb2 import Event as EventState
from services.tickets.models import Event, EventRole, Order, Scan, Ticket

orders, tickets, scans = Order.__table__.c, Ticket.__table__.c, Scan.__table__.c

RENDERING = 8  # the advisory locks of renderers, by order
CANDIDATES = 20
_DUE = """
SELECT identifier FROM orders
WHERE status = 'paid' AND (rendered_revision < revision OR is_invoice_wanted) AND due_at <= %s
ORDER BY due_at LIMIT %s
"""
_STILL_DUE = """
SELECT 1 FROM orders
WHERE identifier = %s AND status = 'paid' AND (rendered_revision < revision OR is_invoice_wanted)
"""
_LOCK = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
_UNLOCK = "SELECT pg_advisory_unlock(%s, hashtext(%s))"


@contextmanager
def due_order(engine: Engine, now: datetime) -> Iterator[str | None]:
    """An order whose PDFs are due; nobody else takes it within the block. None when nothing is due.

    An advisory lock and no row lock: drawing takes longer than a transaction should, and when this process dies the
    order is free again at once.
    """
    with engine.connect() as connection:
        identifier = _first_free(connection, now)
        connection.commit()
        try:
            yield identifier
        finally:
            if identifier is not None:
                connection.exec_driver_sql(_UNLOCK, (RENDERING, identifier))
                connection.commit()


def _first_free(connection: Connection, now: datetime) -> str | None:
    for (identifier,) in connection.exec_driver_sql(_DUE, (now, CANDIDATES)).all():
        if not connection.exec_driver_sql(_LOCK, (RENDERING, identifier)).scalar():
            continue
        if connection.exec_driver_sql(_STILL_DUE, (identifier,)).first():
            return str(identifier)
        connection.exec_driver_sql(_UNLOCK, (RENDERING, identifier))
    return None


def count_due(db: Session) -> int:
    """How many orders wait to be drawn."""
    is_due = (orders.rendered_revision < orders.revision) | orders.is_invoice_wanted
    return db.scalar(select(func.count()).select_from(Order).where(orders.status == "paid", is_due)) or 0


def lock_order(db: Session, identifier: str) -> Order | None:
    """FOR UPDATE: the order comes before its tickets in the lock order."""
    return db.scalars(select(Order).where(orders.identifier == identifier).with_for_update()).first()


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
    """In the order of time."""
    return db.scalars(select(Scan).where(scans.attendee_id == attendee_id).order_by(scans.at, scans.id)).all()


def present_pdfs(db: Session, issues: Sequence[tuple[int, int]], identifiers: Sequence[str]) -> dict[str, str]:
    """Where the PDFs of these (attendee, issue) and of these orders lie, for those that are valid now."""
    found: dict[str, str] = {}
    connection = db.connection()
    if issues:
        attendees, numbers = map(list, zip(*issues, strict=True))
        for row in connection.exec_driver_sql(_TICKET_PDFS, (attendees, numbers)):
            found[f"ticket:{row.attendee_id}:{row.issue}"] = row.pdf_key
    if identifiers:
        for row in connection.exec_driver_sql(_ORDER_PDFS, (list(identifiers),)):
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


def roles_in_event(db: Session, event_id: int, user_id: int) -> frozenset[str] | None:
    """None when the replica knows nothing about the two."""
    pair = select(EventRole).where(EventRole.event_id == event_id, EventRole.user_id == user_id)
    found = db.scalars(pair).first()
    return None if found is None else frozenset(found.roles)
