"""An order moves from one status to the next, with everything that follows from it."""

from datetime import datetime

from sqlalchemy.orm import Session

from services.orders.commands import refunding, telling
from services.orders.commands.invoicing import next_invoice_number
from services.orders.commands.placing import expires_at
from services.orders.domain.lifecycle import LIVE, SEATS, SETTLED, Status
from services.orders.models import Order
from services.orders.queries import ledger
from services.orders.queries import orders as queries


def enter(
    db: Session,
    order: Order,
    target: Status,
    *,
    now: datetime,
    by: int | None = None,
    note: str | None = None,
    is_deletion: bool = False,
) -> None:
    """Moves a locked order to `target`: times, message, refund, and last of all the seats.

    Whether it may move there has been decided before. Raises SoldOut where seats that had been released are not free.
    """
    source = Status(order.status)
    order.status = target
    order.version += 1
    begun = order.created_at if source is Status.INITIALIZING else now
    order.expires_at = expires_at(target, begun, order.expiry_minutes)
    if note is not None or source is Status.CANCELLED:
        order.cancel_note = note  # the next cancellation has a reason of its own
    if target is Status.COMPLETED:
        order.completed_at = now
        if order.amount_minor and order.invoice_number is None:
            order.invoice_number = next_invoice_number(db, order)
    elif target in LIVE:
        order.completed_at = None
    if target is not Status.INITIALIZING and target is not Status.PENDING:
        order.charging_until = order.charging_by = None
    _tell(db, order, source, target, is_deletion)
    if source is Status.COMPLETED and target not in LIVE:
        refunding.refund_rest(db, order, reason=note or f"Order {target}.", by=by, now=now)
    db.flush()
    if SEATS[source] is not SEATS[target]:
        ledger.move(db, order.id, ledger.Codes(order.discount_code_id, order.access_code_id), SEATS[target])


def _tell(db: Session, order: Order, source: Status, target: Status, is_deletion: bool) -> None:
    if target is Status.COMPLETED:
        telling.say_paid(db, order)
    elif target is Status.PLACED:
        telling.say_placed(db, order)
    elif target is Status.CANCELLED:
        telling.say_cancelled(db, order, was_paid=source is Status.COMPLETED, deleted=is_deletion)
    elif target is Status.EXPIRED:
        telling.say_expired(db, order)
    if source in SETTLED and target not in SETTLED and target is not Status.CANCELLED:
        telling.say_unsettled(db, order)
    if source is Status.COMPLETED and target in LIVE:
        telling.say_released(db, order, [each.id for each in queries.attendees_of(db, order.id)])
