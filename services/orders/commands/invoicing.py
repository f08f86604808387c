"""Invoice numbers."""

from sqlalchemy.orm import Session

from chassis.db import execute
from services.orders.models import Order

_NEXT = """
INSERT INTO invoice_counters AS c (event_id, prefix, last)
VALUES (
  %(event)s, coalesce((SELECT upper(nullif(identifier, '')) FROM replica_events WHERE id = %(event)s), %(event)s::text), 1
)
ON CONFLICT (event_id) DO UPDATE SET last = c.last + 1 RETURNING prefix, last
"""


def next_invoice_number(db: Session, order: Order) -> str:
    """The next number of the event's invoices, without gaps: it is drawn in the transaction that completes the order."""
    [row] = execute(db, _NEXT, {"event": order.event_id})
    return f"{row.prefix}-{row.last:06d}"
