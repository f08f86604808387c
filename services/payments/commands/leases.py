"""How long a talk with a provider may take, until whoever began it is taken for dead."""

from datetime import datetime, timedelta

from chassis import clock
from services.payments import config

CALLS = 4  # a look and a charge, each tried twice
MARGIN_SECONDS = 8  # pauses between two tries, and our own work


def end() -> datetime:
    """When a lease that is taken now runs out: later than all calls of one talk end, each up to its time-outs."""
    settings = config.current()
    call_seconds = settings.provider_connect_seconds + settings.provider_read_seconds
    return clock.now() + timedelta(seconds=CALLS * call_seconds + MARGIN_SECONDS)
