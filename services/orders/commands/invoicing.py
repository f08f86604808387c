"""Invoice numbers."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.orders.models import Event, InvoiceCounter, Order


def next_invoice_number(db: Session, order: Order) -> str:
    """The next number of the event's invoices, without gaps: it is drawn in the transaction that completes the order."""
    event = db.get(Event, order.event_id)
    prefix = event.identifier.upper() if event is not None and event.identifier else str(order.event_id)
    statement = insert(InvoiceCounter).values(event_id=order.event_id, prefix=prefix, last=1)
    statement = statement.on_conflict_do_update(index_elements=["event_id"], set_={"last": InvoiceCounter.last + 1})
    row = db.execute(statement.returning(InvoiceCounter.prefix, InvoiceCounter.last)).one()
    return f"{row.prefix}-{row.last:06d}"
