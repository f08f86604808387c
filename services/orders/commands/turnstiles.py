"""Refusing early while a ticket type is sold out."""

import time
from collections.abc import Mapping, Sequence

from services.orders.domain.stock import sold_out
from services.orders.queries import ledger
from services.orders.queries.ledger import SeatWish


class Turnstile:
    """Refuses early, on a cheap read, where this process has just seen a ticket type sold out.

    A thousand buyers at once would otherwise all ask for an offer and queue for one row only to hear no. What is read
    holds for a moment, shorter than anybody's next request, so that those who ask at the same time share it and a returned
    seat sells at once; and only while the offer that sold out is fresh, so that a raised quantity counts even if its
    message is late.
    """

    FRESH_SECONDS = 2.0
    MOMENT_SECONDS = 0.02

    def __init__(self) -> None:
        self._sold_out: dict[int, tuple[float, str]] = {}  # until when, name
        self._left: dict[int, tuple[float, int]] = {}  # until when, seats

    def note(self, wishes: Sequence[SeatWish]) -> None:
        """Some of these were refused."""
        if len(self._sold_out) > 10_000:
            self.forget()
        for wish in wishes:
            self._sold_out[wish.ticket_id] = (time.monotonic() + self.FRESH_SECONDS, wish.name)

    def pass_or_refuse(self, quantities: Mapping[int, int]) -> None:
        """Raises SoldOut when the ledger has fewer seats than wanted of a ticket type that sold out just now."""
        now = time.monotonic()
        suspects = [ticket for ticket in quantities if ticket in self._sold_out and self._sold_out[ticket][0] > now]
        for ticket in suspects:
            if (left := self._seats_left(ticket, now)) is not None and left < quantities[ticket]:
                raise sold_out(self._sold_out[ticket][1], left)

    def forget(self) -> None:
        """Lets everybody pass."""
        self._sold_out.clear()
        self._left.clear()

    def _seats_left(self, ticket: int, now: float) -> int | None:
        """As the ledger says it now, or said it a moment ago; None where it knows nothing of this ticket type."""
        known = self._left.get(ticket)
        if known is not None and known[0] > now:
            return known[1]
        found = ledger.glance(ticket)
        if found is not None:
            self._left[ticket] = (now + self.MOMENT_SECONDS, found)
        return found


turnstile = Turnstile()
