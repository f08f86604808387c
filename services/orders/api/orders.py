"""Orders: listed, shown, changed, deleted."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import flask
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.errors import BadRequest, DomainError, NotFound
from chassis.idempotency import answered
from chassis.jsonapi import current_query, tagged
from services.orders import closing
from services.orders.api.facts import Asked, asked_of, facts_of
from services.orders.api.lists import list_of_event, list_of_user
from services.orders.api.paypal import first_answer_with_url, open_paypal
from services.orders.api.resources import asks_team, events, orders
from services.orders.commands import changing, moving, paying
from services.orders.commands.changing import Plan
from services.orders.domain import lifecycle, policy
from services.orders.domain.lifecycle import LIVE, UNPAID, Status
from services.orders.domain.policy import Operation, Relation
from services.orders.models import Order
from services.orders.queries import access
from services.orders.queries import orders as queries

log = logging.getLogger(__name__)

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
            relations = access.relations_of(db, order, token_info)
        if policy.may(Operation.CHARGE_ORDER, relations):
            open_paypal(order.identifier, raises=True)
    return orders.fetch(token_info=token_info, identifier=identifier)


def list_orders_of_event(event: str, token_info: Claims) -> flask.Response:
    """Orders of an event, for those who run it."""
    return list_of_event(orders, event, token_info, Operation.LIST_EVENT_ORDERS)


def list_orders_of_user(user_id: str, token_info: Claims) -> flask.Response:
    """Orders that a user bought, and those that an attendee with the user's verified address is in (RULES 9)."""
    return list_of_user(orders, user_id, token_info, access.orders_of_user)


@asks_team
def get_event_of_order(identifier: str, token_info: Claims) -> flask.Response:
    """The event of an order. Clients also ask for what only events can include; that they find by its links."""
    query = current_query()
    known = {name: deeper for name, deeper in query.include.items() if _is_local(name)}
    with transaction() as db:
        order = orders.find(db, identifier, token_info)
        event = db.get(events.model, order.event_id)
        if event is None:
            raise NotFound("The event is not known here yet.")
        return tagged(events.document(db, event, token_info, query=replace(query, include=known)))


@asks_team
def update_order(identifier: str, body: dict[str, Any], token_info: Claims) -> flask.Response:
    """A PATCH: read what it means for this order and caller, ask others, then do it under the order's lock."""
    incoming = orders.read(body, partial=True)
    key, wanted, closed, asked = _look(identifier, incoming.id, incoming.values, token_info)
    facts = None if asked is None else facts_of(asked, token_info)
    query = current_query()
    now = clock.now()
    if wanted.closes_attempt and closed is not None:
        with transaction() as db:  # a refusal changes nothing, at the provider neither
            order, relations = access.find(db, key, token_info)
            planned = _planned(db, order, relations, incoming.values, facts, token_info)
            changing.require_possible(db, order, planned, facts, now=now)
        _close_attempt(key, wanted)

    def work(db: Session) -> flask.Response:
        order, relations = access.find(db, key, token_info, lock=True)
        planned = _planned(db, order, relations, incoming.values, facts, token_info)
        changing.apply(db, order, planned, facts, closed=closed, by=token_info.user_id, now=now)
        if token_info.is_admin:
            log.info("an admin changed an order", extra=_trace(order, incoming.values, token_info))
        return answered(db, orders.document(db, order, token_info, query=query, levels=policy.levels(relations)))

    answer = run(work)
    if wanted.mode == "paypal" and open_paypal(key) is not None:
        return first_answer_with_url(key, token_info, status=200)
    return answer


def delete_order(
    identifier: str, token_info: Claims, body: dict[str, Any] | None = None, cancel_note: str | None = None
) -> flask.Response:
    """Soft, by server admins (RULES 8): frees seats, voids tickets, refunds; the note reaches buyer and attendees."""
    with transaction() as db:
        order, relations = access.find(db, identifier, token_info)
        policy.require(Operation.DELETE_ORDER, relations, seen_by=Operation.VIEW_ORDER)
        orders.require_unchanged(db, order, token_info)
        key, closed, source = order.identifier, order.attempted_at, Status(order.status)
        if source in UNPAID and paying.is_charging(order, clock.now()):
            raise paying.in_progress()
    if closed is not None and source in UNPAID:
        closing.is_paid_after_all(key, may_stay_open=True)
    note = cancel_note or _note_of(body)
    now = clock.now()

    def work(db: Session) -> flask.Response:
        order = queries.find(db, key, lock=True)
        orders.require_unchanged(db, order, token_info)
        if Status(order.status) in UNPAID and (paying.is_charging(order, now) or order.attempted_at != closed):
            raise paying.in_progress()
        if Status(order.status) in LIVE:
            moving.enter(db, order, Status.CANCELLED, now=now, by=token_info.user_id, note=note, is_deletion=True)
        order.deleted_at = now
        order.version += 1
        db.flush()
        return answered(db, {"meta": {"message": "The order was deleted."}, "jsonapi": {"version": "1.0"}})

    return run(work)


def _look(
    identifier: str, body_id: str | None, values: Mapping[str, Any], claims: Claims
) -> tuple[str, Plan, datetime | None, Asked | None]:
    """The order's identifier, what the PATCH means for it, its last payment attempt, and what has to be asked of events."""
    with transaction() as db:
        order, relations = access.find(db, identifier, claims)
        actors = _actors(relations)
        if body_id not in (str(order.id), order.identifier):
            raise _id_mismatch()
        wanted = changing.plan(order, values, actors)
        return order.identifier, wanted, order.attempted_at, asked_of(db, order) if wanted.needs_facts else None


def _planned(
    db: Session,
    order: Order,
    relations: frozenset[Relation],
    values: Mapping[str, Any],
    facts: changing.Facts | None,
    claims: Claims,
) -> Plan:
    """What the PATCH means for the order as it is now. Raises PreconditionFailed, and ChargeInProgress when that needs facts
    which nobody has asked for: the order has just changed.
    """
    orders.require_unchanged(db, order, claims)
    planned = changing.plan(order, values, _actors(relations))
    if planned.needs_facts and facts is None:
        raise paying.in_progress()
    return planned


def _actors(relations: frozenset[Relation]) -> frozenset[lifecycle.Actor]:
    policy.require(Operation.SET_STATUS, relations, seen_by=Operation.VIEW_ORDER)
    return lifecycle.actors_of(
        is_buyer=Relation.BUYER in relations,
        runs_event=Relation.EVENT_ADMIN in relations,
        is_admin=Relation.SERVER_ADMIN in relations,
    )


def _close_attempt(identifier: str, wanted: Plan) -> None:
    if closing.is_paid_after_all(identifier, may_stay_open=wanted.cancels) and not wanted.cancels:
        raise paying.AlreadyPaid("This order has just been paid.", meta={"status": Status.COMPLETED})


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
