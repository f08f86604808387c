"""Counts and amounts by status, in the words of existing clients."""

from collections.abc import Iterable, Mapping
from typing import Any

from chassis.money import to_major

STATUSES = ("initializing", "pending", "placed", "completed", "expired", "cancelled")


def figures(rows: Iterable[Mapping[str, Any]], currency: str, capacity: int) -> dict[str, dict[str, float]]:
    """`tickets` (with `max`), `orders` and `sales` by status, each with a total of what is alive or sold.

    Sales are those in the event's currency; a free order has none.
    """
    tickets: dict[str, float] = dict.fromkeys(STATUSES, 0)
    orders: dict[str, float] = dict.fromkeys(STATUSES, 0)
    sales_minor: dict[str, int] = dict.fromkeys(STATUSES, 0)
    for row in rows:
        status = row["status"]
        tickets[status] += row["tickets"]
        orders[status] += row["orders"]
        if not currency or row["currency"] in ("", currency):
            sales_minor[status] += row["sales_minor"]
    live = ("initializing", "pending", "placed", "completed")
    return {
        "tickets": {**tickets, "total": sum(tickets[status] for status in live), "max": capacity},
        "orders": {**orders, "total": sum(orders.values())},
        "sales": {
            **{status: to_major(minor, currency) for status, minor in sales_minor.items()},
            "total": to_major(sum(sales_minor[status] for status in live), currency),
        },
    }
