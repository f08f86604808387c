"""A cart becomes an order: seats, code uses, rows and message, all or nothing.

This is the path that a flash sale takes, so it is one prepared statement: everything is worked out first, then order, lines,
attendees, message, seats and code uses are written at once. What thousands want, the row of a ticket type, is locked
only while the database works.
"""

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy.orm import Session

from chassis import outbox
from chassis.auth import Claims
from chassis.db import execute
from chassis.outbox import publish
from proto.events import events_pb2
from proto.orders import orders_pb2
from services.orders.commands import offers, replicas, telling
from services.orders.commands.invoicing import next_invoice_number
from services.orders.commands.turnstiles import turnstile
from services.orders.domain import pricing
from services.orders.domain.forms import ORDER_DETAILS
from services.orders.domain.lifecycle import SEATS, Seat, Status
from services.orders.domain.stock import SoldOut
from services.orders.models import Order
from services.orders.queries import ledger, numbers
from services.orders.queries.committing import array
from services.orders.queries.ledger import CodeWish, SeatWish

# Numbers are drawn before (queries/numbers.py), so that the message can be written without waiting for these rows.
_ORDER = """
INSERT INTO orders (id, identifier, version, status, event_id, user_id, buyer_email, locale, created_at, expires_at,
  completed_at, expiry_minutes, amount_minor, currency, discount_minor, tax_minor, tax_name, tax_rate, is_tax_included,
  discount_code_id, access_code_id, payment_mode, captured_minor, refunded_minor, refund_status, is_billing_enabled,
  company, tax_business_info, address, city, state, zipcode, country, order_notes)
VALUES (%(id)s, %(identifier)s, 1, %(status)s, %(event_id)s, %(user_id)s, %(buyer_email)s, '', %(created_at)s,
  %(expires_at)s, %(completed_at)s, %(expiry_minutes)s, %(amount_minor)s, %(currency)s, %(discount_minor)s,
  %(tax_minor)s, %(tax_name)s, %(tax_rate)s, %(is_tax_included)s, %(discount_code_id)s, %(access_code_id)s,
  %(payment_mode)s, 0, 0, 'none', %(is_billing_enabled)s, %(company)s, %(tax_business_info)s, %(address)s, %(city)s,
  %(state)s, %(zipcode)s, %(country)s, %(order_notes)s)
RETURNING 1
"""
_LINES = """
INSERT INTO order_lines (order_id, ticket_id, ticket_name, quantity, price_minor, total_minor, discount_minor)
SELECT %(id)s, line.* FROM unnest(%(line_tickets)s::bigint[], %(line_names)s::text[], %(line_quantities)s::int[],
  %(line_prices)s::bigint[], %(line_totals)s::bigint[], %(line_discounts)s::bigint[]) AS line
RETURNING 1
"""
_ATTENDEES = """
INSERT INTO attendees (order_id, event_id, creator_id, seat, created_at, currency, id, identifier, ticket_id, price_minor,
  is_discount_applied, is_access_code_applied, is_checked_in, is_checked_out, is_registered, scan_version, pdf_version)
SELECT %(id)s, %(event_id)s, %(user_id)s, %(seat)s, %(created_at)s, %(currency)s, unit.*, false, false, false, 0, 0
FROM unnest(%(unit_ids)s::bigint[], %(unit_identifiers)s::text[], %(unit_tickets)s::bigint[], %(unit_prices)s::bigint[],
  %(unit_discounted)s::boolean[], %(unit_accessed)s::boolean[]) AS unit
RETURNING 1
"""
_WRITE = f"WITH placed AS ({_ORDER}), priced AS ({_LINES}) {_ATTENDEES}"
_PLACE = ledger.taking_after(
    {"placed": _ORDER, "priced": _LINES, "attended": _ATTENDEES, "told": f"{outbox.INSERT} RETURNING 1"}
)
_BLANK: Mapping[str, Any] = dict.fromkeys(column.key for column in Order.__table__.columns)
NO_DETAILS: Mapping[str, Any] = {**dict.fromkeys(ORDER_DETAILS), "is_billing_enabled": False}


@dataclass(frozen=True)
class Terms:
    """How an order begins. Buyers get `initializing`; only those who run an event choose otherwise."""

    status: Status = Status.INITIALIZING
    payment_mode: str | None = None
    details: Mapping[str, Any] | None = None


class Placed(SimpleNamespace):
    """An order with the attributes of `Order`, but none of the session's bookkeeping: a mapped instance costs five times
    as much, and nobody changes this one.
    """


@dataclass(frozen=True)
class Placement:
    """An order that is worked out down to its numbers, and what remains: to write it, to tell it, and to take its seats."""

    order: Placed
    rows: Mapping[str, Any]
    created: orders_pb2.OrderCreated
    seats: Sequence[SeatWish]
    codes: Sequence[CodeWish]


def work_out(buyer: Claims, quote: pricing.Quote, offer: events_pb2.Offer, *, now: datetime) -> Placement:
    """The order of a cart, with blank attendees. Outside of any transaction: it draws numbers."""
    units = offers.units_of(quote, offer)
    rows = _rows(buyer, quote, offer, units, Terms(), now, attendees=len(units))
    order = _row(rows)
    created = _created(order, quote, offer, rows["unit_ids"], units, rows["unit_identifiers"])
    return Placement(order, rows, created, offers.seat_wishes(quote, offer), offers.code_wishes(offer, units))


def place(db: Session, placement: Placement, offer: events_pb2.Offer) -> None:
    """Writes and tells it, takes its seats and code uses, and commits: the last thing of the caller's transaction.

    Raises SoldOut, OfferChanged or DiscountExhausted; the transaction has been rolled back, and there is nothing.
    """
    replicas.store_offer(db, offer)
    row = outbox.row_of(placement.created, key=placement.order.identifier)
    outbox.written(db, row)
    take(db, placement.seats, placement.codes, Seat.HELD, last=_PLACE, values={**placement.rows, **row})


def place_on_site(db: Session, quote: pricing.Quote, offer: events_pb2.Offer, rows: Mapping[str, Any]) -> Order:
    """An order with placeholder attendees, sold at the door; it may begin anywhere. `rows` is of `rows_of`."""
    replicas.store_offer(db, offer)
    execute(db, _WRITE, rows)
    order = db.get_one(Order, rows["id"])
    say_new(db, order)
    take(db, offers.seat_wishes(quote, offer), offers.code_wishes(offer, offers.units_of(quote, offer)), rows["seat"])
    return order


def say_new(db: Session, order: Order) -> None:
    """OrderCreated, and what follows for an order that begins further on."""
    if order.status == Status.COMPLETED and order.amount_minor:
        order.invoice_number = next_invoice_number(db, order)
    publish(db, orders_pb2.OrderCreated(order=telling.order_state(db, order)), key=order.identifier)
    if order.status == Status.COMPLETED:
        telling.say_paid(db, order)
    elif order.status == Status.PLACED:
        telling.say_placed(db, order)


def rows_of(
    buyer: Claims, quote: pricing.Quote, offer: events_pb2.Offer, terms: Terms, *, now: datetime, with_attendees: bool
) -> dict[str, Any]:
    """The rows of an order to be, down to their numbers. Outside of any transaction: it draws them."""
    units = offers.units_of(quote, offer)
    return _rows(buyer, quote, offer, units, terms, now, attendees=len(units) if with_attendees else 0)


def begun_as(rows: Mapping[str, Any], status: Status) -> dict[str, Any]:
    """The rows of an order that begins with this status."""
    return {**rows, **_of_status(status, rows["created_at"], rows["expiry_minutes"])}


def write_order(db: Session, offer: events_pb2.Offer, rows: Mapping[str, Any]) -> int:
    """Writes order and lines for attendees that exist already; the order's number."""
    replicas.store_offer(db, offer)
    execute(db, _WRITE, rows)
    number: int = rows["id"]
    return number


def take(db: Session, seats: Sequence[SeatWish], codes: Sequence[CodeWish], seat: Seat, **last: Any) -> None:
    """`ledger.take`, and the turnstile learns of a refusal."""
    try:
        ledger.take(db, seats, codes, seat, **last)
    except SoldOut:
        turnstile.note(seats)
        raise


def expires_at(status: Status, created_at: datetime, expiry_minutes: int) -> datetime | None:
    """When an unpaid order lapses (RULES 3); placed and final ones never do."""
    if status is Status.INITIALIZING:
        return created_at + timedelta(minutes=expiry_minutes)
    if status is Status.PENDING:
        return created_at + timedelta(minutes=expiry_minutes + 30)
    return None


def _rows(
    buyer: Claims,
    quote: pricing.Quote,
    offer: events_pb2.Offer,
    units: Sequence[offers.Unit],
    terms: Terms,
    now: datetime,
    *,
    attendees: int,
) -> dict[str, Any]:
    """All values of `_WRITE`. `attendees` 0: they exist already, and are not written."""
    minutes = offer.order_expiry_minutes or 15
    is_discounted = any(unit.is_discounted for unit in units)
    is_accessed = any(unit.is_accessed for unit in units)
    [number] = numbers.orders.take(1)
    written = units[:attendees]
    return {
        "id": number,
        "identifier": str(uuid.uuid4()),
        "event_id": offer.event.id,
        "user_id": buyer.user_id,
        "buyer_email": buyer.email,
        "created_at": now,
        "expiry_minutes": minutes,
        "amount_minor": quote.total_minor,
        "currency": quote.currency,
        "discount_minor": 0 if quote.is_custom else quote.discount_minor,
        "tax_minor": quote.tax_minor,
        "tax_name": quote.tax.name if quote.tax else "",
        "tax_rate": str(quote.tax.rate) if quote.tax else "",
        "is_tax_included": bool(quote.tax and quote.tax.is_included),
        "discount_code_id": offer.discount.id if is_discounted else None,
        "access_code_id": offer.access_code.id if is_accessed else None,
        "payment_mode": terms.payment_mode,
        **_of_status(terms.status, now, minutes),
        **(terms.details or NO_DETAILS),
        "line_tickets": array(line.ticket_id for line in quote.lines),
        "line_names": [line.name for line in quote.lines],
        "line_quantities": array(line.quantity for line in quote.lines),
        "line_prices": array(line.price_minor for line in quote.lines),
        "line_totals": array(line.total_minor for line in quote.lines),
        "line_discounts": array(0 if quote.is_custom else line.discount_minor for line in quote.lines),
        "unit_ids": numbers.attendees.take(attendees),
        "unit_identifiers": [secrets.token_hex(8) for _ in written],
        "unit_tickets": array(unit.ticket_id for unit in written),
        "unit_prices": array(unit.price_minor for unit in written),
        "unit_discounted": array(unit.is_discounted for unit in written),
        "unit_accessed": array(unit.is_accessed for unit in written),
    }


def _of_status(status: Status, now: datetime, expiry_minutes: int) -> dict[str, Any]:
    return {
        "status": status,
        "seat": SEATS[status],
        "expires_at": expires_at(status, now, expiry_minutes),
        "completed_at": now if status is Status.COMPLETED else None,
    }


def _row(values: Mapping[str, Any]) -> Placed:
    """The order as it will be written, without reading it back."""
    known = {name: value for name, value in values.items() if name in _BLANK}
    defaults = {
        "version": 1,
        "locale": "",
        "refund_status": "none",
        "captured_minor": 0,
        "refunded_minor": 0,
    }
    return Placed(**{**_BLANK, **known, **defaults})


def _created(
    order: Placed,
    quote: pricing.Quote,
    offer: events_pb2.Offer,
    attendee_ids: Sequence[int],
    units: Sequence[offers.Unit],
    identifiers: Sequence[str],
) -> orders_pb2.OrderCreated:
    names = {line.ticket_id: line.name for line in quote.lines}
    state = telling.state_of(
        order,
        buyer_email=order.buyer_email,
        event=telling.event_facts(offer.event, order.payment_mode),
        attendees=[
            orders_pb2.Attendee(
                id=attendee_id,
                identifier=identifier,
                ticket_id=unit.ticket_id,
                ticket_name=names[unit.ticket_id],
                price_minor=unit.price_minor,
            )
            for attendee_id, unit, identifier in zip(attendee_ids, units, identifiers, strict=True)
        ],
        lines=[telling.line_state(line, line.name) for line in quote.lines],
    )
    return orders_pb2.OrderCreated(order=state)
