"""What orders says about an event: figures that it told us, and what depends on whether there are orders at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from chassis import money
from chassis.auth import Claims
from chassis.db import transaction
from chassis.errors import Conflict, Forbidden
from services.events import clients, queries
from services.events.models import Event

_may_be_sold: ContextVar[bool] = ContextVar("may_be_sold", default=False)


class CurrencyFrozen(Conflict):
    code = "currency-frozen"


class EventHasOrders(Forbidden):
    code = "event-has-orders"


def completed_amount(event: Event) -> float:
    """What completed orders have paid, in major units."""
    return money.to_major(event.completed_order_sales, event.payment_currency)


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
    if clients.sales_of_event(event.id).orders:
        raise CurrencyFrozen(
            f"The currency stays {event.payment_currency}: the event has orders already.",
            source={"pointer": "/data/attributes/payment-currency"},
        )


@contextmanager
def deletion(identifier: str, claims: Claims | None) -> Iterator[None]:
    """Within the block an event may be deleted. Raises EventHasOrders (403) for all but super admins if it has orders."""
    event = None if claims is None else _event_run_by(identifier, claims)
    has_orders = event is not None and clients.sales_of_event(event.id).orders > 0
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
