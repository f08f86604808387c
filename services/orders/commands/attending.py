"""Attendees: made before an order, ordered together, changed while that is allowed."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.db import execute
from chassis.errors import Conflict, NotFound, TooManyRequests, Unprocessable
from chassis.money import to_decimal, to_minor
from proto.events import events_pb2
from services.orders.commands import offers, placing, telling
from services.orders.commands.offers import Unit
from services.orders.domain import carts, pricing
from services.orders.domain.carts import Cart, Wanted
from services.orders.domain.lifecycle import Seat, Status
from services.orders.domain.stock import sold_out
from services.orders.models import Attendee, Order, Ticket
from services.orders.queries import ledger, people
from services.orders.queries import orders as queries

MAX_LOOSE = 50
_ASSIGN = """
UPDATE attendees a
SET order_id = %(order)s, seat = %(seat)s, currency = %(currency)s, price_minor = unit.price,
    is_discount_applied = unit.is_discounted, is_access_code_applied = unit.is_accessed
FROM unnest(%(ids)s::bigint[], %(prices)s::bigint[], %(discounted)s::boolean[], %(accessed)s::boolean[])
  AS unit (id, price, is_discounted, is_accessed)
WHERE a.id = unit.id
"""


PERSONAL = frozenset(
    {
        "firstname", "lastname", "email", "address", "city", "state", "country", "job_title", "phone", "tax_business_info",
        "billing_address", "home_address", "shipping_address", "company", "work_address", "work_phone", "website", "blog",
        "twitter", "facebook", "github", "instagram", "linkedin", "gender", "age_group", "home_wiki", "wiki_scholarship",
        "native_language", "fluent_language", "birth_date", "accept_video_recording", "accept_share_details",
        "accept_receive_emails", "is_consent_form_field", "is_consent_form_field_photo", "is_consent_form_field_email",
        "is_consent_of_refund_policy", "complex_field_values",
    }
)  # fmt: skip


class AttendeeTaken(Conflict):
    code = "attendee-taken"


def new_identifier() -> str:
    """What a ticket's code carries of its attendee."""
    return secrets.token_hex(8)


def admit(db: Session, creator: Claims, attendee: Attendee, ticket: Ticket, price: Any) -> None:
    """A new loose attendee: holds no seat, but is refused where none is left. At most 50 per user (RULES 10)."""
    if queries.count_loose(db, creator.user_id) >= MAX_LOOSE:
        raise TooManyRequests(
            f"You have {MAX_LOOSE} attendees without an order. Order for them, or delete some.",
            code="too-many-attendees",
            retry_after_seconds=600,
        )
    free = ledger.available(db, [ticket.id]).get(ticket.id, ticket.quantity)
    if free <= 0:
        raise sold_out(ticket.name, free)
    if price is not None and ticket.type in carts.DONATION:
        attendee.price_minor = to_minor(price, ticket.currency)
    attendee.currency = ticket.currency
    attendee.user_id = people.user_with_address(db, attendee.email)
    db.add(attendee)


def cart_of(db: Session, attendees: Sequence[Attendee], cart: Cart) -> Cart:
    """The cart that ordering for these attendees means."""
    tickets = {ticket_id: db.get(Ticket, ticket_id) for ticket_id in {each.ticket_id for each in attendees}}
    wanted = []
    for attendee in attendees:
        ticket = tickets[attendee.ticket_id]
        gives = ticket is not None and ticket.type in carts.DONATION
        price = to_decimal(attendee.price_minor, ticket.currency) if ticket is not None and gives else None
        wanted.append(Wanted(attendee.ticket_id, 1, price))
    return Cart(carts.merged(wanted), cart.discount, cart.access, cart.amount)


def find_loose(
    db: Session, ids: Sequence[int], event_id: int, buyer: Claims, *, runs_event: bool, lock: bool
) -> list[Attendee]:
    """The attendees of an order to be, locked on wish.

    Raises NotFound for what is not there for this caller, AttendeeTaken (409) for one that has an order already,
    Unprocessable for one of another event.
    """
    found = {attendee.id: attendee for attendee in queries.attendees_by_id(db, ids, lock=lock)}
    attendees = [found.get(each) for each in ids]
    for attendee_id, attendee in zip(ids, attendees, strict=True):
        pointer = {"pointer": "/data/relationships/attendees"}
        if attendee is None or not (
            attendee.creator_id == buyer.user_id or (runs_event and attendee.event_id == event_id)
        ):
            raise NotFound(f"There is no attendee {attendee_id}.", code="attendee-not-found", source=pointer)
        if attendee.order_id is not None:
            raise AttendeeTaken(f"Attendee {attendee_id} has an order already.", source=pointer)
        if attendee.event_id != event_id:
            raise Unprocessable("The attendees are not of this event.", code="attendee-of-other-event", source=pointer)
    return [attendee for attendee in attendees if attendee is not None]


def order_for(
    db: Session,
    attendees: Sequence[Attendee],
    quote: pricing.Quote,
    offer: events_pb2.Offer,
    rows: Mapping[str, Any],
) -> Order:
    """An order for locked attendees: rows, message, and last of all seats and code uses. `rows` is of `placing.rows_of`."""
    units = offers.units_of(quote, offer)
    order_id = placing.write_order(db, offer, rows)
    donations = frozenset(each.ticket.id for each in offer.tickets if each.ticket.type in carts.DONATION)
    assigned = _assign(attendees, units, quote, donations)
    execute(
        db,
        _ASSIGN,
        {
            "order": order_id,
            "currency": quote.currency,
            "seat": rows["seat"],
            "ids": [attendee.id for attendee, _ in assigned],
            "prices": [unit.price_minor for _, unit in assigned],
            "discounted": [unit.is_discounted for _, unit in assigned],
            "accessed": [unit.is_accessed for _, unit in assigned],
        },
    )
    order = db.get_one(Order, order_id)
    for attendee in attendees:
        db.refresh(attendee)
    placing.say_new(db, order)
    placing.take(db, offers.seat_wishes(quote, offer), offers.code_wishes(offer, units), rows["seat"])
    return order


def change(db: Session, attendee: Attendee, order: Order | None, values: Mapping[str, Any]) -> None:
    """New values of a locked attendee; a holder's new name or address after the issue is told (RULES 25)."""
    shown = ("firstname", "lastname", "email")
    before = [getattr(attendee, name) for name in shown]
    for name, value in values.items():
        setattr(attendee, name, value)
    if before[2] != attendee.email:
        attendee.user_id = people.user_with_address(db, attendee.email)
    if order is not None and order.status == Status.COMPLETED and before != [getattr(attendee, name) for name in shown]:
        order.version += 1
        db.flush()
        telling.say_attendee_changed(db, order, attendee)


def remove(db: Session, attendee: Attendee, now: datetime) -> None:
    """Deletes a loose attendee. Raises Conflict for one in an order: that is cancelled or refunded instead."""
    if attendee.order_id is not None and attendee.seat != Seat.RELEASED:
        raise AttendeeTaken("This attendee has an order. Cancel the order, or refund the attendee.")
    attendee.deleted_at = now


def _assign(
    attendees: Sequence[Attendee], units: Sequence[Unit], quote: pricing.Quote, donations: Collection[int]
) -> list[tuple[Attendee, Unit]]:
    """Which unit of the quote each attendee gets: of its ticket type, and of its own price where that is a donation now."""
    prices = [line.price_minor for line in quote.lines for _ in line.unit_minor]
    pool: dict[tuple[int, int | None], list[Unit]] = {}
    for unit, list_price in zip(units, prices, strict=True):
        key = (unit.ticket_id, list_price if unit.ticket_id in donations else None)
        pool.setdefault(key, []).append(unit)
    assigned = []
    for attendee in attendees:
        key = (attendee.ticket_id, attendee.price_minor if attendee.ticket_id in donations else None)
        assigned.append((attendee, pool[key].pop(0)))
    return assigned
