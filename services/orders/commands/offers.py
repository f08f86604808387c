"""What an offer of events means for a cart: its price, its units, and what the ledger is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from chassis import db as chassis_db
from chassis.auth import Claims
from chassis.errors import Forbidden, Unprocessable
from proto.events import events_pb2
from services.orders import config
from services.orders.domain import carts, pricing
from services.orders.domain.carts import Cart
from services.orders.domain.stock import exhausted, revision
from services.orders.queries import access, ledger, orders
from services.orders.queries.ledger import CodeWish, SeatWish


@dataclass(frozen=True)
class Unit:
    """One attendee to be."""

    ticket_id: int
    price_minor: int
    is_discounted: bool
    is_accessed: bool


class UnverifiedBuyer(Forbidden):
    code = "unverified-user"


def price(cart: Cart, offer: events_pb2.Offer) -> pricing.Quote:
    """What the cart costs this caller under this offer."""
    tickets = {each.ticket.id: offered_ticket(each) for each in offer.tickets}
    if missing := [each.ticket_id for each in cart.wanted if each.ticket_id not in tickets]:
        raise Unprocessable("There is no such ticket in this event.", code="ticket-unknown", meta={"tickets": missing})
    return carts.cost(
        cart, tickets, discount_of(offer), tax_of(offer), offer.event.currency, runs_event=offer.runs_event
    )


def offered_ticket(offered: events_pb2.OfferedTicket) -> carts.OfferedTicket:
    """The part of an offer that pricing looks at."""
    ticket = offered.ticket
    return carts.OfferedTicket(
        ticket.id,
        ticket.name,
        ticket.type,
        ticket.price_minor,
        ticket.min_price_minor,
        ticket.max_price_minor,
        offered.is_discounted,
    )


def discount_of(offer: events_pb2.Offer) -> pricing.Discount | None:
    """The discount that events has checked, if there is one."""
    if not offer.HasField("discount"):
        return None
    kind = "amount" if offer.discount.type == "amount" else "percent"
    return pricing.Discount(offer.discount.code, kind, Decimal(offer.discount.value or "0"))  # type: ignore[arg-type]


def tax_of(offer: events_pb2.Offer) -> pricing.Tax | None:
    """The event's tax, if it has one."""
    if not offer.HasField("tax"):
        return None
    return pricing.Tax(offer.tax.name, Decimal(offer.tax.rate or "0"), offer.tax.is_included)


def require_verified(buyer: Claims, cart: Cart, offer: events_pb2.Offer) -> None:
    """Raises UnverifiedBuyer (403) when somebody without a verified address wants free tickets only.

    Opens its own transaction, but only for who looks unverified: the token may be older than the verification.
    """
    if buyer.is_verified or offer.runs_event or not config.current().frees_need_verification:
        return
    tickets = {each.ticket.id: offered_ticket(each) for each in offer.tickets}
    if not carts.is_all_free(cart, tickets):
        return
    with chassis_db.transaction() as db:
        if access.is_verified_by_now(db, buyer.user_id):
            return
    raise UnverifiedBuyer(
        "Please verify your e-mail address before you order free tickets.", source={"code": "unverified-user"}
    )


def check_uses(db: Session, quote: pricing.Quote, offer: events_pb2.Offer, claims: Claims | None) -> None:
    """Raises DiscountExhausted when the cart needs more uses than the code has left; nothing is partly discounted.

    Pages of an order ask what it costs: to its buyer, the uses of that very order are not taken.
    """
    if quote.discount is None or not quote.discounted_units:
        return
    left = ledger.uses_left(db, offer.discount.id, False, offer.discount.tickets_number)
    if left is not None and quote.discounted_units > left and claims is not None:
        units = {line.ticket_id: 0 for line in quote.lines}
        for line in quote.lines:
            units[line.ticket_id] += line.quantity
        left += orders.uses_of_this_cart(db, claims.user_id, offer.discount.id, units)
    if left is not None and quote.discounted_units > left:
        raise exhausted(False, left)


def units_of(quote: pricing.Quote, offer: events_pb2.Offer) -> list[Unit]:
    """One unit per ticket, at what the order charges for it; they add up to the total."""
    opened = set(offer.access_code.ticket_ids) if offer.HasField("access_code") else frozenset[int]()
    return [
        Unit(line.ticket_id, unit_minor, line.is_discounted, line.ticket_id in opened)
        for line in quote.lines
        for unit_minor in line.unit_minor
    ]


def seat_wishes(quote: pricing.Quote, offer: events_pb2.Offer) -> list[SeatWish]:
    """What the ledger is asked for: seats per ticket type, with the offer's capacity."""
    wanted: dict[int, int] = {}
    for line in quote.lines:
        wanted[line.ticket_id] = wanted.get(line.ticket_id, 0) + line.quantity
    tickets = {each.ticket.id: each.ticket for each in offer.tickets}
    return [
        SeatWish(
            ticket_id,
            offer.event.id,
            tickets[ticket_id].name,
            seats,
            tickets[ticket_id].quantity,
            revision(tickets[ticket_id].epoch, tickets[ticket_id].version),
            tickets[ticket_id].on_sale,
        )
        for ticket_id, seats in wanted.items()
    ]


def code_wishes(offer: events_pb2.Offer, units: Sequence[Unit]) -> list[CodeWish]:
    """What the ledger is asked for: uses of the discount and of the access code."""
    wishes = []
    if discounted := sum(unit.is_discounted for unit in units):
        code = offer.discount
        version = revision(code.epoch, code.version)
        wishes.append(CodeWish(code.id, False, discounted, code.tickets_number, version, code.is_active))
    if accessed := sum(unit.is_accessed for unit in units):
        opening = offer.access_code
        version = revision(opening.epoch, opening.version)
        wishes.append(CodeWish(opening.id, True, accessed, opening.tickets_number, version, opening.is_active))
    return wishes
