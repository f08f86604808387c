"""Refusing early while a ticket type is sold out."""

import time
from collections.abc import Mapping, Sequence

from services.orders.domain.stock import sold_out
from services.orders.queries import ledger
from services.orders.queries.ledger import SeatWish


class Turnstile:
    """Refuses early, on a cheap read, where this process has just seen a ticket type sold out.

    A thousand buyers at once would otherwise all ask for an offer and queue for one row only to hear no. The read is
    asked again every time, so that a returned seat sells at once; and only while the offer that sold out is fresh, so that
    a raised quantity counts even if its message is late.
    """

    FRESH_SECONDS = 2.0

    def __init__(self) -> None:
        self._seen: dict[int, tuple[float, str]] = {}

    def note(self, wishes: Sequence[SeatWish]) -> None:
        """Some of these were refused."""
        if len(self._seen) > 10_000:
            self._seen.clear()
        for wish in wishes:
            self._seen[wish.ticket_id] = (time.monotonic() + self.FRESH_SECONDS, wish.name)

    def pass_or_refuse(self, quantities: Mapping[int, int]) -> None:
        """Raises SoldOut when the ledger has fewer seats than wanted of a ticket type that sold out just now."""
        now = time.monotonic()
        suspects = [ticket for ticket in quantities if ticket in self._seen and self._seen[ticket][0] > now]
        if not suspects:
            return
        found = ledger.glance(suspects)
        for ticket in suspects:
            if ticket in found and found[ticket][0] < quantities[ticket]:
                raise sold_out(self._seen[ticket][1], found[ticket][0])

    def forget(self) -> None:
        """Lets everybody pass."""
        self._seen.clear()


turnstile = Turnstile()
