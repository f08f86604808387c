"""How long a talk with a provider may take, until whoever began it is taken for dead."""

from datetime import datetime, timedelta

from chassis import clock

CALLS = 4  # a look and a charge, each tried twice
MARGIN_SECONDS = 8  # pauses between two tries, and our own work

_lease = timedelta(seconds=60)


def configure(connect_seconds: float, read_seconds: float) -> None:
    """Leases of this process last longer than all calls of one talk, each up to these time-outs."""
    global _lease
    _lease = timedelta(seconds=CALLS * (connect_seconds + read_seconds) + MARGIN_SECONDS)


def end() -> datetime:
    """When a lease that is taken now runs out."""
    return clock.now() + _lease
