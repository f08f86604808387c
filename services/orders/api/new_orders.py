"""POST /v1/orders: an order for attendees that exist already, or for tickets that are sold at the door."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import flask
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.errors import DomainError, Forbidden, NotFound, Unprocessable
from chassis.idempotency import answered
from chassis.jsonapi import current_query
from proto.events import events_pb2
from services.orders.api.carts import get_offer
from services.orders.api.facts import facts_from
from services.orders.api.paypal import INCLUDED_BY_DEFAULT, first_answer_with_url, open_paypal
from services.orders.api.resources import orders
from services.orders.commands import attending, changing, offers, paying, placing
from services.orders.commands.changing import Facts
from services.orders.commands.placing import Terms
from services.orders.domain import carts, pricing
from services.orders.domain.carts import Cart
from services.orders.domain.forms import ORDER_DETAILS
from services.orders.domain.lifecycle import LIVE, MODES, Status
from services.orders.domain.policy import Relation
from services.orders.domain.stock import OfferChanged
from services.orders.queries import access


def create_order(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """An order for attendees that exist (the founding flow), or placeholders for on-site tickets."""
    wanted = read_new_order(body)
    try:
        identifier, answer = _create(wanted, token_info)
    except OfferChanged:
        identifier, answer = _create(wanted, token_info)
    if wanted.mode == "paypal" and open_paypal(identifier) is not None:
        return first_answer_with_url(identifier, token_info)
    return answer


@dataclass(frozen=True)
class NewOrder:
    """A body of POST /v1/orders, read."""

    event_id: int
    attendee_ids: tuple[int, ...]
    on_site: Cart | None
    discount: carts.Code
    mode: str | None
    status: Status | None
    amount: Any
    details: Mapping[str, Any]


def read_new_order(body: Mapping[str, Any]) -> NewOrder:
    """Raises Unprocessable (422) for missing relations and unknown modes."""
    incoming = orders.read(body)
    values, related = incoming.values, incoming.related
    event_id = related.get("event")
    if event_id is None:
        raise _missing("event")
    is_on_site = flask.request.args.get("onsite", "").lower() in ("true", "1", "yes")
    on_site = carts.read_cart({"tickets": values.get("on_site_tickets") and _on_site(values)}) if is_on_site else None
    ids = tuple(sorted(set(related.get("attendees") or ())))
    if not ids and not (on_site and on_site.wanted):
        raise _missing("attendees")
    mode = values.get("payment_mode")
    if mode is not None and mode not in MODES:
        raise Unprocessable(
            f"{mode} is not a payment mode here.", code="payment-mode-unknown", source=changing.POINTER_MODE
        )
    status = values.get("status")
    return NewOrder(
        int(event_id),
        ids,
        on_site,
        carts.Code(id=int(related["discount_code"])) if related.get("discount_code") else carts.Code(),
        mode,
        None if status is None else Status(status),
        values.get("amount"),
        {
            **{name: values.get(name) for name in ORDER_DETAILS},
            "is_billing_enabled": bool(values.get("is_billing_enabled")),
        },
    )


def _create(wanted: NewOrder, buyer: Claims) -> tuple[str, flask.Response]:
    cart = _cart_of_new(wanted, buyer)
    offer = get_offer_in_event(cart, buyer, wanted.event_id)
    quote = offers.price(cart, offer)
    offers.require_verified(buyer, cart, offer)
    facts = facts_from(offer)
    mode = _mode_of_new(wanted, quote, facts, runs_event=offer.runs_event)
    query = current_query()
    shown = query if "include" in flask.request.args else replace(query, include=INCLUDED_BY_DEFAULT)
    with_attendees = wanted.on_site is not None
    terms = Terms(payment_mode=mode, details=wanted.details)
    rows = placing.rows_of(buyer, quote, offer, terms, now=clock.now(), with_attendees=with_attendees)

    def work(db: Session) -> tuple[str, flask.Response]:
        locked_cart, attendees = _cart(db, wanted, buyer, runs_event=offer.runs_event, lock=True)
        if locked_cart != cart:
            raise paying.in_progress()
        status = _status_of_new(db, wanted, quote, attendees, facts, runs_event=offer.runs_event)
        begun = placing.begun_as(rows, status)
        if with_attendees:
            order = placing.place_on_site(db, quote, offer, begun)
        else:
            order = attending.order_for(db, attendees, quote, offer, begun)
        document = orders.document(db, order, buyer, query=shown)
        headers = {"Location": orders.location(order)}
        return order.identifier, answered(db, document, 201, headers)

    return run(work)


def _cart_of_new(wanted: NewOrder, buyer: Claims) -> Cart:
    """The cart. Whether the buyer runs the event matters only for on-site tickets and attendees that others made."""
    if wanted.on_site is None:
        try:
            with transaction() as db:
                return _cart(db, wanted, buyer, runs_event=buyer.is_admin, lock=False)[0]
        except NotFound:
            if not _runs_event(wanted.event_id, buyer):
                raise
    elif not _runs_event(wanted.event_id, buyer):
        raise Forbidden("On-site orders are for those who run the event.", code="not-allowed")
    with transaction() as db:
        return _cart(db, wanted, buyer, runs_event=True, lock=False)[0]


def _runs_event(event_id: int, claims: Claims) -> bool:
    return Relation.EVENT_ADMIN in access.relations_to_event(event_id, claims) or claims.is_admin


def get_offer_in_event(cart: Cart, claims: Claims, event_id: int) -> events_pb2.Offer:
    """The offer; tickets of another event than the named one are refused."""
    offer = get_offer(cart, claims)
    if offer.event.id != event_id:
        raise Unprocessable(
            "The attendees' tickets are not of this event.",
            code="attendee-of-other-event",
            source={"pointer": "/data/relationships/event"},
        )
    return offer


def _cart(db: Session, wanted: NewOrder, buyer: Claims, *, runs_event: bool, lock: bool) -> tuple[Cart, Sequence[Any]]:
    amount = None if wanted.amount is None else Decimal(str(wanted.amount))
    base = Cart((), wanted.discount, carts.Code(), amount)
    if wanted.on_site is not None:
        return replace(base, wanted=wanted.on_site.wanted), ()
    found = attending.find_loose(db, wanted.attendee_ids, wanted.event_id, buyer, runs_event=runs_event, lock=lock)
    return attending.cart_of(db, found, base), found


def _mode_of_new(wanted: NewOrder, quote: pricing.Quote, facts: Facts, *, runs_event: bool) -> str | None:
    mode = wanted.mode or "free"
    if runs_event and mode != "free":
        return mode
    if runs_event and wanted.status is not None and mode == "free" and quote.total_minor and wanted.mode is None:
        return None if wanted.status is not Status.COMPLETED else "onsite"
    changing.require_mode(mode, quote.total_minor, facts)
    return mode


def _status_of_new(
    db: Session, wanted: NewOrder, quote: pricing.Quote, attendees: Sequence[Any], facts: Facts, *, runs_event: bool
) -> Status:
    """Buyers begin `pending`, and `completed` where nothing is to be paid and the forms are filled (RULES 1)."""
    if runs_event and wanted.status is not None:
        if wanted.status not in LIVE:
            raise Unprocessable(
                f"An order cannot begin as {wanted.status}.",
                code="status-impossible",
                source={"pointer": "/data/attributes/status"},
            )
        return wanted.status
    if quote.total_minor or not attendees:
        return Status.PENDING
    is_filled = not facts.is_form_enabled or not changing.missing_fields(db, attendees, facts)
    return Status.COMPLETED if is_filled else Status.PENDING


def _on_site(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"id": each["id"], "quantity": carts.read_id(each["quantity"], "/data/attributes/on-site-tickets")}
        for each in values["on_site_tickets"]
    ]


def _missing(relation: str) -> DomainError:
    return Unprocessable(
        f"An order needs the relation {relation}.",
        code=f"{relation}-missing",
        source={"pointer": f"/data/relationships/{relation}"},
    )
