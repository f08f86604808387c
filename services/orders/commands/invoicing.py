"""Invoice numbers."""

from sqlalchemy.orm import Session

from chassis.db import execute
from services.orders.models import Order
from services.orders.queries import orders as queries

_NEXT = """
INSERT INTO invoice_counters AS c (event_id, prefix, last) VALUES (%(event)s, %(prefix)s, 1)
ON CONFLICT (event_id) DO UPDATE SET last = c.last + 1 RETURNING prefix, last
"""


def next_invoice_number(db: Session, order: Order) -> str:
    """The next number of the event's invoices, without gaps: it is drawn in the transaction that completes the order."""
    event = queries.event_of(db, order)
    prefix = event.identifier.upper() if event is not None and event.identifier else str(order.event_id)
    [row] = execute(db, _NEXT, {"event": order.event_id, "prefix": prefix})
    return f"{row.prefix}-{row.last:06d}"
