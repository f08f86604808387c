"""What discount and access codes have to be like."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from chassis import money
from chassis.errors import Conflict, Unprocessable


@dataclass(frozen=True)
class LinkedTicket:
    """A ticket that a code is for."""

    id: int
    name: str
    event_id: int
    type: str
    price_minor: int
    currency: str
    is_hidden: bool


@dataclass(frozen=True)
class Uses:
    """How often, how many at once, and when."""

    tickets_number: int | None
    min_quantity: int | None
    max_quantity: int | None
    valid_from: datetime | None
    valid_till: datetime | None


def refused(code: str, sentence: str, attribute: str) -> Unprocessable:
    """A refusal that points at an attribute."""
    return Unprocessable(sentence, code=code, source={"pointer": f"/data/attributes/{attribute}"})


def check_uses(uses: Uses, *, event_ends_at: datetime) -> None:
    """Raises Unprocessable (422) for figures that contradict each other. No limit is null, 0 or (at most at once) -1."""
    least, most = uses.min_quantity or 0, max(uses.max_quantity or 0, 0)
    if most and least > most:
        raise refused("quantity-invalid", "The least at once cannot be more than the most at once.", "min-quantity")
    if uses.tickets_number and most > uses.tickets_number:
        raise refused("quantity-invalid", "It can be used less often in all than at once.", "tickets-number")
    end = uses.valid_till or event_ends_at
    if uses.valid_from and uses.valid_from > end:
        raise refused("window-invalid", "It has to become valid before it ends.", "valid-from")


def check_value(kind: str, value: Decimal, tickets: Iterable[LinkedTicket]) -> None:
    """Raises Unprocessable (422) for a discount that makes no sense, or takes off more than a ticket costs."""
    if kind == "percent" and not 0 <= value <= 100:
        raise refused("value-invalid", "A percentage lies between 0 and 100.", "value")
    if kind == "amount" and value < 0:
        raise refused("value-invalid", "A discount is not negative.", "value")
    for ticket in tickets:
        if ticket.type.startswith("free"):
            raise _unfit(f"“{ticket.name}” is free, there is nothing to take off.")
        price = money.to_decimal(ticket.price_minor, ticket.currency)
        if kind == "amount" and ticket.type.startswith("paid") and value > price:
            raise refused("value-invalid", f"That is more than “{ticket.name}” costs.", "value")


def check_event(event_id: int, tickets: Iterable[LinkedTicket]) -> None:
    """Raises Unprocessable (422) for tickets of another event."""
    for ticket in tickets:
        if ticket.event_id != event_id:
            raise _unfit(f"Ticket {ticket.id} belongs to another event.")


def check_hidden(tickets: Iterable[LinkedTicket]) -> None:
    """Raises Conflict (409) for tickets that anybody can buy: an access code opens hidden ones only."""
    for ticket in tickets:
        if not ticket.is_hidden:
            raise Conflict(
                f"“{ticket.name}” is not hidden, so it needs no access code.",
                code="ticket-not-hidden",
                source={"pointer": "/data/relationships/tickets"},
            )


def _unfit(sentence: str) -> Unprocessable:
    return Unprocessable(sentence, code="ticket-unfit", source={"pointer": "/data/relationships/tickets"})
