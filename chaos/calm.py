"""Waiting for calm: everything that was left to do is done, or its time is over."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from chaos.stores import Stores, World

CALM_SECONDS = 60.0
LOOKS = 2  # what one job has done may be work for the next


def read_when_calm(
    stores: Callable[[], AbstractContextManager[Stores]],
    event_id: int,
    *,
    within_seconds: float = CALM_SECONDS,
    pause_seconds: float = 0.5,
) -> World:
    """What is left of an event once nothing waits, or in the end all the same.

    What the checker reads must itself be calm: the hold of an order whose payer vanished may lapse right after we looked, and
    then the expiry job has its usual seconds to end it.
    """
    deadline = time.monotonic() + within_seconds
    quiet = 0
    while True:
        with stores() as now:
            quiet = 0 if any(now.waiting().values()) else quiet + 1
        if quiet >= LOOKS or time.monotonic() > deadline:
            with stores() as now:
                world = now.read(event_id)
            if not any(world.waiting.values()) or time.monotonic() > deadline:
                return world
            quiet = 0
        time.sleep(pause_seconds)
