"""What was sold: counts and amounts by status, one statement each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.orm import Session

from services.orders.domain.lifecycle import LIVE
from services.orders.models import Event, Order, Stock

STATUSES = ("completed", "placed", "pending", "initializing", "expired", "cancelled")


def stock_of_event(db: Session, event_id: int) -> Sequence[Stock]:
    """The ledger of an event."""
    return db.execute(select(Stock).where(Stock.event_id == event_id).order_by(Stock.ticket_id)).scalars().all()


def has_orders(db: Session, event_id: int) -> bool:
    """Whether an event has orders, also ones that are over or deleted."""
    return bool(db.scalar(select(exists().where(Order.event_id == event_id))))


def used_codes_of_event(db: Session, event_id: int) -> list[int]:
    """The discount codes that any order of an event names, also one that is over or deleted."""
    named = select(Order.discount_code_id).where(Order.event_id == event_id, Order.discount_code_id.is_not(None))
    return [code_id for code_id in db.scalars(named.distinct().order_by(Order.discount_code_id)) if code_id]


def coming_orders_of_user(db: Session, user_id: int, now: datetime) -> int:
    """How many live orders a user has bought for events that have not ended (or whose end nobody has told us)."""
    wanted = (
        select(func.count())
        .select_from(Order)
        .outerjoin(Event, Event.id == Order.event_id)
        .where(
            Order.user_id == user_id,
            Order.status.in_([str(status) for status in LIVE]),
            Order.deleted_at.is_(None),
            Event.deleted_at.is_(None),
            or_(Event.ends_at.is_(None), Event.ends_at > now),
        )
    )
    return db.execute(wanted).scalar_one()


def statistics(db: Session, *, event_id: int | None = None, ticket_id: int | None = None) -> list[dict[str, Any]]:
    """Per status: orders, attendees (tickets) and their prices, of an event or of one ticket type; currency by currency."""
    return [dict(row._mapping) for row in db.execute(text(_STATISTICS), {"event": event_id, "ticket": ticket_id})]


_STATISTICS = """
SELECT o.status, o.currency, count(DISTINCT o.id) AS orders, count(a.id) AS tickets,
  coalesce(sum(a.price_minor), 0)::bigint AS sales_minor
FROM orders o JOIN attendees a ON a.order_id = o.id AND a.deleted_at IS NULL
WHERE o.deleted_at IS NULL
  AND (CAST(:event AS bigint) IS NULL OR o.event_id = CAST(:event AS bigint))
  AND (CAST(:ticket AS bigint) IS NULL OR a.ticket_id = CAST(:ticket AS bigint))
GROUP BY o.status, o.currency
"""
