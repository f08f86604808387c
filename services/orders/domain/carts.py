"""What a buyer wants, read from the two spellings that clients use, and the priced lines that follow from an offer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from chassis.errors import Unprocessable
from chassis.money import to_minor
from services.orders.domain import pricing

MAX_UNITS = 1000
MAX_ID = 2**63 - 1
FREE = frozenset({"free", "freeRegistration"})
DONATION = frozenset({"donation", "donationRegistration"})


@dataclass(frozen=True)
class Code:
    """A code by its text or its number; neither: no code. With both the text comes first."""

    id: int = 0
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.id or self.text)


@dataclass(frozen=True)
class Wanted:
    """Units of one ticket type. `price` is what a giver chose for a donation ticket, in major units."""

    ticket_id: int
    quantity: int
    price: Decimal | None = None


@dataclass(frozen=True)
class Cart:
    """What is to be ordered or quoted. `amount` counts only for those who run the event."""

    wanted: tuple[Wanted, ...]
    discount: Code = field(default_factory=Code)
    access: Code = field(default_factory=Code)
    amount: Decimal | None = None

    @property
    def quantities(self) -> dict[int, int]:
        """Units per ticket type, by ticket id."""
        units: dict[int, int] = {}
        for each in self.wanted:
            units[each.ticket_id] = units.get(each.ticket_id, 0) + each.quantity
        return dict(sorted(units.items()))


@dataclass(frozen=True)
class OfferedTicket:
    """What an offer says of one ticket type."""

    id: int
    name: str
    type: str
    price_minor: int
    min_price_minor: int
    max_price_minor: int
    is_discounted: bool


class CartInvalid(Unprocessable):
    code = "cart-invalid"


def read_cart(body: Mapping[str, Any]) -> Cart:
    """The cart of a body whose shape has been validated. Raises CartInvalid (422)."""
    wanted = tuple(_wanted(each, index) for index, each in enumerate(body.get("tickets") or ()))
    if sum(each.quantity for each in wanted) > MAX_UNITS:
        raise CartInvalid(f"At most {MAX_UNITS} tickets can be ordered at once.", source={"pointer": "/tickets"})
    amount = body.get("amount")
    return Cart(
        merged(wanted),
        _discount(_text(_either(body, "discount-code"), "/discount-code")),
        Code(text=_text(_either(body, "access-code"), "/access-code")),
        None if amount is None else Decimal(str(amount)),
    )


def _discount(text: str) -> Code:
    """Digits may be the text of a discount code, and are the number of one: existing clients send that.

    An access code is never a number: numbers can be guessed, and it is all that opens a hidden ticket.
    """
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else 0
    return Code(number if number <= MAX_ID else 0, text)


def _text(value: Any, pointer: str) -> str:
    text = "" if value is None else str(value).strip()
    if "\x00" in text:
        raise CartInvalid("A code is plain text.", source={"pointer": pointer})
    return text


def read_id(value: Any, pointer: str) -> int:
    """A number that may come as text. Raises CartInvalid (422)."""
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19
    number = int(value) if digits or (isinstance(value, int) and not isinstance(value, bool)) else 0
    if not 1 <= number <= MAX_ID:
        raise CartInvalid("An id is a positive number.", source={"pointer": pointer})
    return number


def price_lines(cart: Cart, tickets: Mapping[int, OfferedTicket], currency: str) -> list[pricing.Line]:
    """The cart's lines at the prices of the offer. A sent price counts for donation tickets only."""
    return [_line(wanted, tickets[wanted.ticket_id], currency) for wanted in cart.wanted]


def cost(
    cart: Cart,
    tickets: Mapping[int, OfferedTicket],
    discount: pricing.Discount | None,
    tax: pricing.Tax | None,
    currency: str,
    *,
    runs_event: bool,
) -> pricing.Quote:
    """What the cart costs this caller: an own amount is final for those who run the event, ignored for all others."""
    lines = price_lines(cart, tickets, currency)
    if runs_event and cart.amount is not None and lines:
        return pricing.quote_at(lines, to_minor(cart.amount, currency), tax, currency)
    return pricing.quote(lines, None if runs_event else discount, tax, currency)


def is_all_free(cart: Cart, tickets: Mapping[int, OfferedTicket]) -> bool:
    """Whether the cart has nothing but free tickets."""
    return all(tickets[wanted.ticket_id].type in FREE for wanted in cart.wanted)


def _line(wanted: Wanted, ticket: OfferedTicket, currency: str) -> pricing.Line:
    if ticket.type in FREE:
        price = 0
    elif ticket.type in DONATION:
        sent = None if wanted.price is None else to_minor(wanted.price, currency)
        price = pricing.donation_price(sent, ticket.min_price_minor, ticket.max_price_minor)
    else:
        price = ticket.price_minor
    return pricing.Line(ticket.id, ticket.name, price, wanted.quantity, ticket.is_discounted and price > 0)


def _wanted(item: Mapping[str, Any], index: int) -> Wanted:
    pointer = f"/tickets/{index}"
    quantity = item.get("quantity")
    quantity = 1 if quantity is None else quantity
    if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 1:
        raise CartInvalid("The quantity is a number from 1.", source={"pointer": f"{pointer}/quantity"})
    price = item.get("price")
    return Wanted(read_id(item.get("id"), f"{pointer}/id"), quantity, None if price is None else Decimal(str(price)))


def _either(body: Mapping[str, Any], name: str) -> Any:
    value = body.get(name)
    return body.get(name.replace("-", "_")) if value is None else value


def merged(wanted: Sequence[Wanted]) -> tuple[Wanted, ...]:
    """Equal wishes as one line each."""
    units: dict[tuple[int, Decimal | None], int] = {}
    for each in wanted:
        units[each.ticket_id, each.price] = units.get((each.ticket_id, each.price), 0) + each.quantity
    return tuple(Wanted(ticket_id, quantity, price) for (ticket_id, price), quantity in units.items())
