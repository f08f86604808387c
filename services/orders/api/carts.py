"""The two helpers that take tickets and quantities: what would it cost, and order it."""

from typing import Any

import flask
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.errors import DomainError
from chassis.idempotency import answered
from chassis.jsonapi import current_query, documents, viewer_of
from chassis.money import to_decimal, to_major
from chassis.responses import JSON, respond
from proto.events import events_pb2
from services.orders import clients
from services.orders.api.resources import orders
from services.orders.commands import offers, placing
from services.orders.commands.turnstiles import turnstile
from services.orders.domain import carts, pricing
from services.orders.domain.carts import Cart, CartInvalid
from services.orders.domain.stock import OfferChanged, exhausted
from services.orders.queries import ledger

CHECKED_AFTER_USES = frozenset({"discount-wrong-event", "discount-wrong-ticket", "discount-quantity"})


def calculate_amount(body: dict[str, Any], token_info: Claims | None = None) -> flask.Response:
    """What the cart would cost this caller. Orders nothing, takes nothing."""
    cart = carts.read_cart(body)
    if not cart.wanted:
        return respond(quote_document(pricing.quote([], None, None, "")), media_type=JSON)
    offer = get_offer(cart, token_info, is_quote=True)
    quote = offers.price(cart, offer)
    with transaction() as db:
        offers.check_uses(db, quote, offer, token_info)
    typed = cart.discount.text.lower() == offer.discount.code.lower()
    return respond(quote_document(quote, tells_code=typed), media_type=JSON)


def create_order_of_cart(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """An order with a blank attendee per ticket. An offer that changed meanwhile is asked for once more."""
    cart = carts.read_cart(body)
    if not cart.wanted:
        raise CartInvalid("Choose at least one ticket.", code="tickets-missing", source={"pointer": "/tickets"})
    turnstile.pass_or_refuse(cart.quantities)
    try:
        return _order(cart, token_info)
    except OfferChanged:
        return _order(cart, token_info)


def get_offer(cart: Cart, claims: Claims | None, *, is_quote: bool = False) -> events_pb2.Offer:
    """The offer for a cart. A code that is used up is called so even where events would find another fault with it.

    The documented order of checks has "exhausted", which only we know, before event, tickets and quantity (RULES 13).
    """
    try:
        return clients.get_offer(cart.quantities, claims, discount=cart.discount, access=cart.access, is_quote=is_quote)
    except DomainError as refusal:
        if refusal.code in CHECKED_AFTER_USES and cart.discount.id:
            with transaction() as db:
                if ledger.is_used_up(db, cart.discount.id):
                    raise exhausted(False, 0) from refusal
        raise


def _order(cart: Cart, buyer: Claims) -> flask.Response:
    offer = get_offer(cart, buyer)
    quote = offers.price(cart, offer)
    offers.require_verified(buyer, cart, offer)
    query = current_query()

    placement = placing.work_out(buyer, quote, offer, now=clock.now())
    levels = (True,) * len(orders.plan.levels)

    def work(db: Session) -> flask.Response:
        answer = answered(db, documents.of_one(db, viewer_of(buyer, query), orders, placement.order, levels, query))
        placing.place(db, placement, offer)
        return answer

    return run(work)


def quote_document(quote: pricing.Quote, *, tells_code: bool = False) -> dict[str, Any]:
    """A quote in the words of existing clients. The text of a code is for who typed it: its number can be guessed."""
    currency = quote.currency

    def major(minor: int) -> float:
        return to_major(minor, currency)

    tax = quote.tax
    return {
        "sub_total": major(quote.sub_total_minor),
        "total": major(quote.total_minor),
        "discount": major(quote.discount_minor),
        "currency": currency,
        "tax": tax
        and {
            "included": tax.is_included,
            "amount": major(quote.tax_minor),
            "percent": float(tax.rate),
            "name": tax.name,
        },
        "tickets": [_line_document(line, quote, tells_code=tells_code) for line in quote.lines],
    }


def _line_document(line: pricing.PricedLine, quote: pricing.Quote, *, tells_code: bool) -> dict[str, Any]:
    currency = quote.currency
    return {
        "id": line.ticket_id,
        "name": line.name,
        "price": to_major(line.price_minor, currency),
        "quantity": line.quantity,
        "ticket_fee": 0.0,
        "sub_total": to_major(line.total_minor, currency),
        "ticket_tax": to_major(line.list_tax_minor, currency) if quote.tax else None,
        "discounted_tax": to_major(line.tax_minor, currency) if quote.tax else None,
        "discount": _discount_document(line, quote, tells_code=tells_code) if line.is_discounted else None,
    }


def _discount_document(line: pricing.PricedLine, quote: pricing.Quote, *, tells_code: bool) -> dict[str, Any]:
    discount = quote.discount
    assert discount is not None  # noqa: S101 (the line is discounted)
    off = discount.off_minor(line.price_minor, quote.currency)
    percent = float(off * 100 / line.price_minor) if line.price_minor else 0.0
    per_ticket = pricing.half_up(off)
    return {
        **({"code": discount.code} if tells_code else {}),
        "percent": round(percent, 2),
        "amount": float(to_decimal(per_ticket, quote.currency)),
        "total": to_major(line.discount_minor, quote.currency),
        "type": discount.type,
    }
