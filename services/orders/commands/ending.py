"""Orders that end without money: nobody paid in time, or loose attendees that nobody ordered for."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.orders.commands import moving
from services.orders.commands.paying import is_charging
from services.orders.domain.lifecycle import UNPAID, Status
from services.orders.queries import orders as queries

_DELETE_LOOSE = """
DELETE FROM attendees WHERE id IN (
  SELECT id FROM attendees WHERE order_id IS NULL AND created_at < :before ORDER BY id LIMIT :at_most FOR UPDATE SKIP LOCKED
)
"""


def expire(db: Session, identifier: str, *, closed: datetime | None, now: datetime) -> bool:
    """Lets an unpaid order lapse, if that is still what it is; whether it did.

    `closed` is the `attempted_at` of the attempt that payments has closed at the provider. An order that was attempted
    again since then waits for the next run.
    """
    order = queries.find(db, identifier, lock=True, with_deleted=True)
    is_due = order.expires_at is not None and order.expires_at <= now
    if Status(order.status) not in UNPAID or not is_due or is_charging(order, now):
        return False
    if order.attempted_at != closed:
        return False
    moving.enter(db, order, Status.EXPIRED, now=now)
    return True


def delete_loose_attendees(db: Session, *, older_than: timedelta, now: datetime, at_most: int = 500) -> int:
    """Removes attendees that never got an order. They held no seat."""
    result = db.execute(text(_DELETE_LOOSE), {"before": now - older_than, "at_most": at_most})
    return int(result.rowcount)  # type: ignore[attr-defined]
