"""What may be bought, by whom and when: the checks of an offer, in their documented order.

Tickets exist and are of one event; the event is published, or the caller runs it; modules; sale window; how many at once;
hidden tickets need an access code; discount codes are active, in their window, of this event, for these tickets, and for
as many. (How often a code was used is known to orders alone.) Who runs an event sells beyond windows and limits, sees
what is hidden, and uses no discount codes. A quote sells nothing: windows and limits of tickets, and how many a code is
for, count when it is ordered. (Existing clients quote one unit of each ticket of a code, and orders of sales long over.)
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chassis.errors import NotFound, Unprocessable
from services.events.domain import modules


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """What the checks need to know of a ticket type."""

    id: int
    event_id: int
    name: str
    type: str
    min_order: int
    max_order: int
    sales_starts_at: datetime
    sales_ends_at: datetime
    is_hidden: bool
    is_deleted: bool

    @property
    def is_free(self) -> bool:
        """Costs nothing."""
        return self.type.startswith("free")

    @property
    def called(self) -> str:
        """What a refusal calls it. Refusals reach everybody, and what is hidden keeps its name."""
        return "this ticket" if self.is_hidden else f"“{self.name}”"


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What the checks need to know of a code. Limits of None, 0 and -1 are none."""

    id: int
    event_id: int
    is_active: bool
    valid_from: datetime | None
    valid_till: datetime | None
    min_quantity: int
    max_quantity: int
    ticket_ids: frozenset[int]
    used_for: str = "ticket"


@dataclass(frozen=True, slots=True)
class Switches:
    """Which modules are on."""

    ticket_include: bool
    payment_include: bool
    donation_include: bool


@dataclass(frozen=True, slots=True)
class Cart:
    """How many of which ticket."""

    lines: Sequence[tuple[int, int]]
    quantities: Mapping[int, int] = field(init=False)

    def __post_init__(self) -> None:
        summed: dict[int, int] = {}
        for ticket_id, quantity in self.lines:
            if quantity <= 0:
                raise Unprocessable(
                    "Order at least one of each ticket.", code="order-quantity", meta={"ticket": str(ticket_id)}
                )
            summed[ticket_id] = summed.get(ticket_id, 0) + quantity
        object.__setattr__(self, "quantities", summed)


def check_tickets(cart: Cart, tickets: Mapping[int, TicketFacts], *, allow_deleted: bool = False) -> None:
    """Raises NotFound (404) for tickets that are not there, Unprocessable (422) for those of several events."""
    for ticket_id in cart.quantities:
        ticket = tickets.get(ticket_id)
        if ticket is None or (ticket.is_deleted and not allow_deleted):
            raise NotFound("There is no such ticket.", code="ticket-not-found", meta={"ticket": str(ticket_id)})
    if len({tickets[ticket_id].event_id for ticket_id in cart.quantities}) > 1:
        raise Unprocessable("All tickets of an order are of one event.", code="tickets-of-several-events")


def check_sale(cart: Cart, tickets: Mapping[int, TicketFacts], event_ends_at: datetime, now: datetime) -> None:
    """Raises Unprocessable (422) outside of a sale window, and for too few or too many at once."""
    for ticket_id in cart.quantities:
        ticket = tickets[ticket_id]
        if now < ticket.sales_starts_at:
            raise _ticket(ticket, "ticket-not-on-sale", f"The sale of {ticket.called} has not started yet.")
        if now > min(ticket.sales_ends_at, event_ends_at):
            raise _ticket(ticket, "ticket-not-on-sale", f"The sale of {ticket.called} has ended.")
    for ticket_id, quantity in cart.quantities.items():
        ticket = tickets[ticket_id]
        if quantity < ticket.min_order:
            raise _ticket(
                ticket,
                "order-quantity",
                f"{ticket.called} is sold from {ticket.min_order} up.",
                least=ticket.min_order,
            )
        if ticket.max_order and quantity > ticket.max_order:
            raise _ticket(
                ticket,
                "order-quantity",
                f"{ticket.called} is sold up to {ticket.max_order} per order.",
                most=ticket.max_order,
            )


def check_modules(cart: Cart, tickets: Mapping[int, TicketFacts], switches: Switches) -> None:
    """Raises ModuleOff (422)."""
    for ticket_id in cart.quantities:
        modules.check(switches, tickets[ticket_id].type)


def check_access(
    cart: Cart,
    tickets: Mapping[int, TicketFacts],
    code: CodeFacts | None,
    event_id: int,
    event_ends_at: datetime,
    now: datetime,
) -> bool:
    """Whether the access code opens something in this cart. Raises Unprocessable (422) for what stays hidden."""
    hidden = [tickets[ticket_id] for ticket_id in cart.quantities if tickets[ticket_id].is_hidden]
    if not hidden:
        return False
    if code is None:
        raise _ticket(hidden[0], "ticket-hidden", "This ticket needs an access code.")
    _check_code(code, "access", event_id, event_ends_at, now)
    for ticket in hidden:
        if ticket.id not in code.ticket_ids:
            raise _code("access-code-wrong-ticket", "This access code does not open this ticket.", "access")
    return True


def check_access_quantity(cart: Cart, tickets: Mapping[int, TicketFacts], code: CodeFacts) -> None:
    """Raises Unprocessable (422) for too few or too many hidden tickets at once."""
    hidden = [ticket_id for ticket_id in cart.quantities if tickets[ticket_id].is_hidden]
    _check_quantity(code, "access", sum(cart.quantities[ticket_id] for ticket_id in hidden))


def check_discount(
    cart: Cart,
    tickets: Mapping[int, TicketFacts],
    code: CodeFacts,
    event_id: int,
    event_ends_at: datetime,
    now: datetime,
) -> frozenset[int]:
    """The tickets of this cart that the code discounts. Raises Unprocessable (422) at the first check that fails."""
    _check_code(code, "discount", event_id, event_ends_at, now)
    if code.used_for != "ticket":
        raise _code("discount-wrong-ticket", "This code is not for tickets.", "discount")
    discounted = frozenset(
        ticket_id for ticket_id in cart.quantities if ticket_id in code.ticket_ids and not tickets[ticket_id].is_free
    )
    if not discounted:
        raise _code("discount-wrong-ticket", "This discount code is for other tickets.", "discount")
    return discounted


def check_discount_quantity(cart: Cart, discounted: Collection[int], code: CodeFacts) -> None:
    """Raises Unprocessable (422) for too few or too many discounted tickets at once."""
    _check_quantity(code, "discount", sum(cart.quantities[ticket_id] for ticket_id in discounted))


def unknown_code(kind: str) -> Unprocessable:
    """The refusal of a code that does not exist."""
    return _code(f"{_prefix(kind)}-not-found", f"There is no such {kind} code.", kind)


def _check_code(code: CodeFacts, kind: str, event_id: int, event_ends_at: datetime, now: datetime) -> None:
    prefix = _prefix(kind)
    if not code.is_active:
        raise _code(f"{prefix}-inactive", f"This {kind} code is not active.", kind)
    till = code.valid_till or (event_ends_at if code.event_id == event_id else now)
    if (code.valid_from is not None and now < code.valid_from) or now > till:
        raise _code(f"{prefix}-outside-window", f"This {kind} code is not valid now.", kind)
    if code.event_id != event_id:
        raise _code(f"{prefix}-wrong-event", f"This {kind} code is for another event.", kind)


def _check_quantity(code: CodeFacts, kind: str, quantity: int) -> None:
    if quantity < max(code.min_quantity, 0):
        raise _code(
            f"{_prefix(kind)}-quantity",
            f"This {kind} code needs at least {code.min_quantity} of its tickets.",
            kind,
            least=code.min_quantity,
        )
    if 0 < code.max_quantity < quantity:
        raise _code(
            f"{_prefix(kind)}-quantity",
            f"This {kind} code is for {code.max_quantity} of its tickets at most.",
            kind,
            most=code.max_quantity,
        )


def _prefix(kind: str) -> str:
    return "discount" if kind == "discount" else "access-code"


def _code(code: str, sentence: str, kind: str, **meta: int) -> Unprocessable:
    return Unprocessable(
        sentence, code=code, source={"pointer": f"{kind}_code_id", "source": f"{kind}_code_id"}, meta=meta
    )


def _ticket(ticket: TicketFacts, code: str, sentence: str, **meta: int) -> Unprocessable:
    sentence = sentence[0].upper() + sentence[1:]
    return Unprocessable(sentence, code=code, source={"pointer": "/tickets"}, meta={"ticket": str(ticket.id), **meta})
