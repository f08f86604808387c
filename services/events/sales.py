"""What orders says about an event: figures that it told us, and what depends on whether there are orders at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from sqlalchemy.orm import Session

from chassis import money
from chassis.auth import Claims
from chassis.db import execute, transaction
from chassis.errors import Conflict, Forbidden
from proto.orders.orders_pb2 import OrderState
from services.events import clients, queries
from services.events.models import Event

_may_be_sold: ContextVar[bool] = ContextVar("may_be_sold", default=False)


# A sale is no change of what the event offers. Counted through the ORM each one would tell the whole event to four services
# and void every remembered offer, in the very minute in which everybody buys.
_LOCK = "SELECT 1 FROM events WHERE id = %(event)s FOR NO KEY UPDATE"
_COUNT = """
WITH known AS (
  SELECT amount_minor, tickets, is_placed FROM order_sales WHERE order_id = %(order)s
), noted AS (
  INSERT INTO order_sales AS s (order_id, event_id, version, amount_minor, tickets, is_placed)
  VALUES (%(order)s, %(event)s, %(version)s, %(completed)s + %(placed)s, %(came)s + %(coming)s, %(is_placed)s)
  ON CONFLICT (order_id) DO UPDATE
  SET version = excluded.version, amount_minor = excluded.amount_minor, tickets = excluded.tickets,
    is_placed = excluded.is_placed
  WHERE s.version < excluded.version
  RETURNING order_id
), before AS (
  SELECT coalesce(sum(amount_minor) FILTER (WHERE NOT is_placed), 0) completed,
    coalesce(sum(tickets) FILTER (WHERE NOT is_placed), 0) came,
    coalesce(sum(amount_minor) FILTER (WHERE is_placed), 0) placed,
    coalesce(sum(tickets) FILTER (WHERE is_placed), 0) coming
  FROM known
)
UPDATE events SET
  completed_order_sales = completed_order_sales + %(completed)s - before.completed,
  completed_order_tickets = completed_order_tickets + %(came)s - before.came,
  placed_order_sales = placed_order_sales + %(placed)s - before.placed,
  placed_order_tickets = placed_order_tickets + %(coming)s - before.coming
FROM before
WHERE id = %(event)s AND EXISTS (SELECT 1 FROM noted)
"""


class CurrencyFrozen(Conflict):
    code = "currency-frozen"


class EventHasOrders(Forbidden):
    code = "event-has-orders"


def count(db: Session, order: OrderState, status: Literal["completed", "placed", "over"]) -> None:
    """Notes an order's newest state; the figures of its event move by the difference. What is over counts nowhere."""
    amount_minor, tickets = (order.amount_minor, len(order.attendees)) if status != "over" else (0, 0)
    is_placed = status == "placed"
    values = {
        "order": order.id,
        "event": order.event_id,
        "version": order.version,
        "is_placed": is_placed,
        "completed": 0 if is_placed else amount_minor,
        "came": 0 if is_placed else tickets,
        "placed": amount_minor if is_placed else 0,
        "coming": tickets if is_placed else 0,
    }
    if execute(db, _LOCK, values):  # so that `known` is what the last one noted
        execute(db, _COUNT, values)


def completed_amount(event: Event) -> float:
    """What completed orders have paid, in major units."""
    return money.to_major(event.completed_order_sales, event.payment_currency)


def placed_amount(event: Event) -> float:
    """What placed orders will pay by other means, in major units."""
    return money.to_major(event.placed_order_sales, event.payment_currency)


def deleted_with_its_orders() -> bool:
    """Whether the deletion under way is one that may take sold tickets off the market."""
    return _may_be_sold.get()


def check_new_currency(identifier: str, body: Any, claims: Claims | None) -> None:
    """Raises CurrencyFrozen (409) when this would change the currency of an event that has orders."""
    attributes = (body or {}).get("data", {}).get("attributes") or {}
    wanted = attributes.get("payment-currency")
    if not wanted or claims is None:
        return
    event = _event_run_by(identifier, claims)
    if event is None or event.payment_currency == wanted:
        return
    if clients.has_orders(event.id):
        raise CurrencyFrozen(
            f"The currency stays {event.payment_currency}: the event has orders already.",
            source={"pointer": "/data/attributes/payment-currency"},
        )


@contextmanager
def deletion(identifier: str, claims: Claims | None) -> Iterator[None]:
    """Within the block an event may be deleted. Raises EventHasOrders (403) for all but super admins if it has orders."""
    event = None if claims is None else _event_run_by(identifier, claims)
    has_orders = event is not None and clients.has_orders(event.id)
    if has_orders and not (claims and claims.is_super_admin):
        raise EventHasOrders("This event has orders, so only a super admin can delete it.")
    token = _may_be_sold.set(has_orders)
    try:
        yield
    finally:
        _may_be_sold.reset(token)


def _event_run_by(identifier: str, claims: Claims) -> Event | None:
    """The event, where the caller may change it at all; others are refused later and learn nothing here."""
    with transaction() as db:
        event = queries.named_event(db, identifier)
        return event if event is not None and queries.holds(db, claims, event.id, "coorganizer") else None
