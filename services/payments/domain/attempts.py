"""The life of one payment attempt, as a table.

`status` is what we know; `News` is what a provider says (or fails to say). Money is the only thing that is never given up:
a captured attempt stays captured whatever arrives later, and money that arrives for an attempt which is over makes it
captured all the same: orders decides what becomes of it.
"""

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    """What we know of an attempt. `unknown`: the provider was asked to move money and has not told us how it ended."""

    OPEN = "open"
    REQUIRES_ACTION = "requires_action"
    UNKNOWN = "unknown"
    DECLINED = "declined"
    CLOSED = "closed"
    CAPTURED = "captured"
    REFUNDED = "refunded"


class News(StrEnum):
    """What is known about an attempt after asking, or hearing from, the provider."""

    WAITS = "waits"  # nothing was charged; the payer has not paid (yet)
    NEEDS_ACTION = "needs-action"  # the payer has to confirm at their bank
    LOST = "lost"  # no answer, or one that says neither yes nor no
    DECLINED = "declined"  # the provider refused, for good as far as this attempt goes
    CANCELLED = "cancelled"  # the provider will never charge this attempt
    CAPTURED = "captured"
    REFUNDED = "refunded"  # all of it went back
    REFUND_FAILED = "refund-failed"  # a refund that had succeeded came back


LIVE = frozenset({Status.OPEN, Status.REQUIRES_ACTION, Status.UNKNOWN})
"""At most one attempt of an order is in one of these; a partial unique index holds it so."""

PAID = frozenset({Status.CAPTURED, Status.REFUNDED})

_LIVE_NEXT: Mapping[News, Status] = {
    News.WAITS: Status.OPEN,
    News.NEEDS_ACTION: Status.REQUIRES_ACTION,
    News.LOST: Status.UNKNOWN,
    News.DECLINED: Status.DECLINED,
    News.CANCELLED: Status.CLOSED,
    News.CAPTURED: Status.CAPTURED,
}
TABLE: Mapping[Status, Mapping[News, Status]] = {
    Status.OPEN: _LIVE_NEXT,
    Status.REQUIRES_ACTION: _LIVE_NEXT,
    Status.UNKNOWN: _LIVE_NEXT,
    Status.DECLINED: {News.CAPTURED: Status.CAPTURED},
    Status.CLOSED: {News.CAPTURED: Status.CAPTURED},
    Status.CAPTURED: {News.REFUNDED: Status.REFUNDED},
    Status.REFUNDED: {News.REFUND_FAILED: Status.CAPTURED},
}


def after(status: Status, news: News) -> Status:
    """The status that this news leads to. What the table does not name changes nothing."""
    return TABLE[status].get(news, status)


def is_over(status: Status) -> bool:
    """Whether the attempt ended without money."""
    return status in (Status.DECLINED, Status.CLOSED)
