"""Orders: placed for attendees, listed, shown, changed, deleted."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import flask
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.errors import BadRequest, DomainError, Forbidden, NotFound, Unprocessable
from chassis.idempotency import amended, answered
from chassis.jsonapi import Query, current_query, negotiate, require_match, tagged
from chassis.responses import respond
from proto.events import events_pb2
from services.orders import clients
from services.orders.api.carts import get_offer
from services.orders.api.resources import asks_team, events, orders
from services.orders.commands import attending, changing, moving, paying, placing
from services.orders.commands.changing import Facts, Plan
from services.orders.commands.placing import BILLING, Terms
from services.orders.domain import carts, forms, lifecycle, policy, pricing
from services.orders.domain.carts import Cart
from services.orders.domain.lifecycle import LIVE, MODES, UNPAID, Status
from services.orders.domain.policy import Operation, Relation
from services.orders.domain.stock import OfferChanged
from services.orders.models import Order
from services.orders.queries import access
from services.orders.queries import orders as queries

log = logging.getLogger(__name__)
INCLUDED_BY_DEFAULT: dict[str, Any] = {"attendees": {}}

list_orders = orders.fetch_page
get_attendees_of_order = orders.fetch_related("attendees")
get_tickets_of_order = orders.fetch_related("tickets")
get_user_of_order = orders.fetch_related("user")
get_discount_code_of_order = orders.fetch_related("discount_code")
get_attendees_linkage_of_order = orders.fetch_linkage("attendees")
get_tickets_linkage_of_order = orders.fetch_linkage("tickets")
get_event_linkage_of_order = orders.fetch_linkage("event")
get_user_linkage_of_order = orders.fetch_linkage("user")
get_discount_code_linkage_of_order = orders.fetch_linkage("discount_code")


@asks_team
def get_order(identifier: str, token_info: Claims) -> flask.Response:
    """One order. With `?regenerate` PayPal's approval URL is asked for anew."""
    if "regenerate" in flask.request.args:
        with transaction() as db:
            order = orders.find(db, identifier, token_info)
            relations = relations_of(db, order, token_info)
        if policy.may(Operation.CHARGE_ORDER, relations):
            open_paypal(order.identifier, raises=True)
    return orders.fetch(token_info=token_info, identifier=identifier)


def list_orders_of_event(event: str, token_info: Claims) -> flask.Response:
    """Orders of an event, for those who run it."""
    negotiate(flask.request.headers.get("Accept"))
    event_id = access.event_id_of(event)
    access.require_in_event(Operation.LIST_EVENT_ORDERS, event_id, token_info)
    with transaction() as db:
        return tagged(orders.page(db, token_info, Order.event_id == event_id))


def list_orders_of_user(user_id: str, token_info: Claims) -> flask.Response:
    """Orders that a user bought, and those that an attendee with the user's verified address is in (RULES 9)."""
    negotiate(flask.request.headers.get("Accept"))
    if int(user_id) != token_info.user_id and not token_info.is_admin:
        raise Forbidden("These are the orders of somebody else.", code="not-allowed")
    with transaction() as db:
        email = access.address_of_user(db, int(user_id), token_info)
        return tagged(orders.page(db, token_info, access.orders_of_user(int(user_id), email)))


@asks_team
def get_event_of_order(identifier: str, token_info: Claims) -> flask.Response:
    """The event of an order. Clients also ask for what only events can include; that they find by its links."""
    negotiate(flask.request.headers.get("Accept"))
    query = current_query()
    known = {name: deeper for name, deeper in query.include.items() if _is_local(name)}
    with transaction() as db:
        order = orders.find(db, identifier, token_info)
        event = db.get(events.model, order.event_id)
        if event is None:
            raise NotFound("The event is not known here yet.")
        return tagged(events.document(db, event, token_info, query=replace(query, include=known)))


def create_order(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """An order for attendees that exist (the founding flow), or placeholders for on-site tickets."""
    negotiate(flask.request.headers.get("Accept"))
    wanted = read_new_order(body)
    try:
        identifier, answer = _create(wanted, token_info)
    except OfferChanged:
        identifier, answer = _create(wanted, token_info)
    if wanted.mode == "paypal" and open_paypal(identifier) is not None:
        return _first_answer_with_url(identifier, token_info)
    return answer


@asks_team
def update_order(identifier: str, body: dict[str, Any], token_info: Claims) -> flask.Response:
    """A PATCH: read what it means for this order and caller, ask others, then do it under the order's lock."""
    negotiate(flask.request.headers.get("Accept"))
    incoming = orders.read(body, partial=True)
    key, wanted, closed, asked = _look(identifier, incoming.id, incoming.values, token_info)
    facts = None if asked is None else facts_of(asked, token_info)
    if wanted.closes_attempt and closed is not None:
        _close_attempt(key, wanted)
    query = current_query()
    now = clock.now()

    def work(db: Session) -> flask.Response:
        order = queries.find(db, key, lock=True)
        _require_unchanged(db, order, token_info)
        relations = relations_of(db, order, token_info)
        planned = changing.plan(order, incoming.values, _actors(relations))
        if planned.needs_facts and facts is None:
            raise paying.in_progress()
        changing.apply(db, order, planned, facts, closed=closed, by=token_info.user_id, now=now)
        if token_info.is_admin:
            log.info("an admin changed an order", extra=_trace(order, incoming.values, token_info))
        return answered(db, orders.document(db, order, token_info, query=query, levels=levels_of(relations)))

    answer = run(work)
    if wanted.mode == "paypal" and open_paypal(key) is not None:
        return _first_answer_with_url(key, token_info, status=200)
    return answer


def delete_order(
    identifier: str, token_info: Claims, body: dict[str, Any] | None = None, cancel_note: str | None = None
) -> flask.Response:
    """Soft, by server admins (RULES 8): frees seats, voids tickets, refunds; the note reaches buyer and attendees."""
    negotiate(flask.request.headers.get("Accept"))
    with transaction() as db:
        order = queries.find(db, identifier)
        policy.require(Operation.DELETE_ORDER, relations_of(db, order, token_info), seen_by=Operation.VIEW_ORDER)
        key, closed, source = order.identifier, order.attempted_at, Status(order.status)
    if closed is not None and source in UNPAID:
        _settle_attempt(key)
    note = cancel_note or _note_of(body)
    now = clock.now()

    def work(db: Session) -> flask.Response:
        order = queries.find(db, key, lock=True)
        if Status(order.status) in UNPAID and (paying.is_charging(order, now) or order.attempted_at != closed):
            raise paying.in_progress()
        if Status(order.status) in LIVE:
            moving.enter(db, order, Status.CANCELLED, now=now, by=token_info.user_id, note=note, is_deletion=True)
        order.deleted_at = now
        order.version += 1
        db.flush()
        return answered(db, {"meta": {"message": "The order was deleted."}, "jsonapi": {"version": "1.0"}})

    return run(work)


# What a new order wants


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
            **{name: values.get(name) for name in BILLING},
            "is_billing_enabled": bool(values.get("is_billing_enabled")),
        },
    )


def _create(wanted: NewOrder, buyer: Claims) -> tuple[str, flask.Response]:
    cart = _cart_of_new(wanted, buyer)
    offer = get_offer_in_event(cart, buyer, wanted.event_id)
    quote = placing.price(cart, offer)
    placing.require_verified(buyer, cart, offer)
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


# What a change needs


@dataclass(frozen=True)
class Asked:
    """What events is asked about an order: its event and how many of which tickets."""

    event_id: int
    quantities: Mapping[int, int]


def _look(
    identifier: str, body_id: str | None, values: Mapping[str, Any], claims: Claims
) -> tuple[str, Plan, datetime | None, Asked | None]:
    """The order's identifier, what the PATCH means for it, its last payment attempt, and what has to be asked of events."""
    with transaction() as db:
        order = queries.find(db, identifier)
        actors = _actors(relations_of(db, order, claims))
        if body_id not in (str(order.id), order.identifier):
            raise _id_mismatch()
        wanted = changing.plan(order, values, actors)
        return order.identifier, wanted, order.attempted_at, _asked(db, order) if wanted.needs_facts else None


def _asked(db: Session, order: Order) -> Asked:
    quantities: dict[int, int] = {}
    for line in queries.lines_of(db, order.id):
        quantities[line.ticket_id] = quantities.get(line.ticket_id, 0) + line.quantity
    return Asked(order.event_id, quantities)


def relations_of(db: Session, order: Order, claims: Claims) -> frozenset[Relation]:
    """What the caller is to an order, by what we know here."""
    roles = access.known_roles(db, order.event_id, claims.user_id) or frozenset()
    return access.relations_to_order(db, order, claims, roles)


def levels_of(relations: frozenset[Relation]) -> frozenset[str]:
    """The levels of ``x-visible-to`` that these relations to an order bring."""
    is_shown = relations & {Relation.BUYER, Relation.EVENT_ADMIN, Relation.SERVER_ADMIN}
    return frozenset({"buyer"}) if is_shown else frozenset()


def _actors(relations: frozenset[Relation]) -> frozenset[lifecycle.Actor]:
    policy.require(Operation.SET_STATUS, relations, seen_by=Operation.VIEW_ORDER)
    return lifecycle.actors_of(
        is_buyer=Relation.BUYER in relations,
        runs_event=Relation.EVENT_ADMIN in relations,
        is_admin=Relation.SERVER_ADMIN in relations,
    )


def facts_of(asked: Asked, claims: Claims) -> Facts:
    """What events says of the order's event, now."""
    return facts_from(clients.get_offer(asked.quantities, claims, event_key=str(asked.event_id), facts_only=True))


def facts_from(offer: events_pb2.Offer) -> Facts:
    """The part of an offer that conditions look at."""
    return Facts(
        frozenset(offer.payment_modes),
        [
            forms.Field(each.identifier, each.name, each.is_required, each.is_complex, each.form_id)
            for each in offer.attendee_form
        ],
        offer.event.is_ticket_form_enabled,
        offer.event.is_billing_info_mandatory,
    )


def _close_attempt(identifier: str, wanted: Plan) -> None:
    if _settle_attempt(identifier) and not (wanted.move and wanted.move.target is Status.CANCELLED):
        raise paying.AlreadyPaid("This order has just been paid.", meta={"status": Status.COMPLETED})


def _settle_attempt(identifier: str) -> bool:
    """Closes the open attempt at the provider; whether it turned out to be paid, which then counts (RULES 20)."""
    state = clients.close_attempt(identifier)
    if state.status != "captured":
        return False
    run(lambda db: paying.receive(db, state, now=clock.now()))
    return True


def open_paypal(identifier: str, *, raises: bool = False) -> str | None:
    """PayPal's approval URL of an unpaid order, stored; None where there is none. PayPal being down breaks nothing."""
    try:
        attempt = run(lambda db: _begin_paypal(db, identifier))
        if attempt is None:
            return None
        state = clients.start_payment(attempt.request)
    except DomainError:
        if raises:
            raise
        return None

    def work(db: Session) -> str | None:
        order = paying.let_go(db, identifier, attempt.mark, is_decided=True)
        order.payment_url = state.payment_url or order.payment_url
        order.version += 1
        return order.payment_url

    return run(work)


def _begin_paypal(db: Session, identifier: str) -> paying.Attempt | None:
    order = queries.find(db, identifier, lock=True)
    if order.payment_mode != "paypal" or Status(order.status) not in UNPAID or not order.amount_minor:
        return None
    return paying.begin(db, order, mode=None, now=clock.now())


def _first_answer_with_url(identifier: str, claims: Claims, status: int = 201) -> flask.Response:
    """The answer of this request again, with the URL that came after its commit; a repeat with its key gets this one."""
    with transaction() as db:
        order = queries.find(db, identifier)
        query = current_query()
        if status == 201 and "include" not in flask.request.args:
            query = replace(query, include=INCLUDED_BY_DEFAULT)
        headers = {"Location": orders.location(order)} if status == 201 else None
        return amended(db, orders.document(db, order, claims, query=query), status, headers)


def _require_unchanged(db: Session, order: Order, claims: Claims) -> None:
    wanted = flask.request.headers.get("If-Match")
    require_match(wanted, lambda: respond(orders.document(db, order, claims, query=Query())).get_data())


def _id_mismatch() -> DomainError:
    return BadRequest("The id is not that of the path.", code="id-mismatch", source={"pointer": "/data/id"})


def _trace(order: Order, values: Mapping[str, Any], claims: Claims) -> dict[str, Any]:
    """What the log keeps of an admin's change: who, what, and which status and amount; no personal data."""
    changed = {name: str(values[name]) for name in ("status", "amount", "payment_mode") if name in values}
    return {"order": order.identifier, "by": claims.user_id, "fields": sorted(values), **changed}


def _note_of(body: Mapping[str, Any] | None) -> str | None:
    given = body or {}
    data = given.get("data") or {}
    note = given.get("cancel-note") or (data.get("attributes") or {}).get("cancel-note")
    return None if note is None else str(note)


def _is_local(relation: str) -> bool:
    link = events.plan.links.get(relation)
    return link is not None and link.is_local
