"""PayPal's page where a buyer approves the payment: opened when the mode is chosen, or by PayPal's own button."""

from dataclasses import replace
from typing import Any

import flask
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import persist, run, transaction
from chassis.errors import DomainError, Unavailable
from chassis.idempotency import amended, answered
from chassis.jsonapi import current_query
from chassis.responses import JSON
from proto.payments import payments_pb2
from services.orders import clients
from services.orders.api.charges import find_for_charge
from services.orders.api.resources import asks_team, orders
from services.orders.commands import paying
from services.orders.domain.lifecycle import UNPAID, Status
from services.orders.queries import orders as queries

INCLUDED_BY_DEFAULT: dict[str, Any] = {"attendees": {}}


@asks_team
def create_paypal_payment(identifier: str, token_info: Claims, body: Any = None) -> flask.Response:
    """Opens a PayPal payment for PayPal's own button. The addresses it returns to are ours, not the client's."""
    key = find_for_charge(identifier, token_info)
    attempt = run(lambda db: paying.begin(db, queries.find(db, key, lock=True), mode="paypal", now=clock.now()))
    state = _start(attempt)

    def work(db: Session) -> flask.Response:
        order = paying.let_go(db, key, attempt.mark, is_decided=True)
        if state.status == "captured":
            paying.receive(db, state, now=clock.now())
        order.payment_url = state.payment_url or order.payment_url
        order.version += 1
        document = {
            "status": "success",
            "payment_id": state.provider_reference,
            "payment_url": state.payment_url or None,
            "error": None,
        }
        return answered(db, document, media_type=JSON)

    return persist(work)


def open_paypal(identifier: str, *, raises: bool = False) -> str | None:
    """PayPal's approval URL of an unpaid order, stored; None where there is none. PayPal being down breaks nothing."""
    try:
        attempt = run(lambda db: _begin_paypal(db, identifier))
        if attempt is None:
            return None
        state = _start(attempt)
    except DomainError:
        if raises:
            raise
        return None

    def work(db: Session) -> str | None:
        order = paying.let_go(db, identifier, attempt.mark, is_decided=True)
        order.payment_url = state.payment_url or order.payment_url
        order.version += 1
        return order.payment_url

    return persist(work)


def _start(attempt: paying.Attempt) -> payments_pb2.PaymentState:
    """Asks payments to open it. Where that fails, the order is nobody's again, so that it can be charged at once."""
    try:
        return clients.start_payment(attempt.request)
    except DomainError as error:
        is_decided = not isinstance(error, Unavailable)
        persist(lambda db: paying.let_go(db, attempt.identifier, attempt.mark, is_decided=is_decided))
        raise


def _begin_paypal(db: Session, identifier: str) -> paying.Attempt | None:
    order = queries.find(db, identifier, lock=True)
    if order.payment_mode != "paypal" or Status(order.status) not in UNPAID or not order.amount_minor:
        return None
    return paying.begin(db, order, mode=None, now=clock.now())


def first_answer_with_url(identifier: str, claims: Claims, status: int = 201) -> flask.Response:
    """The answer of this request again, with the URL that came after its commit; a repeat with its key gets this one."""
    with transaction() as db:
        order = queries.find(db, identifier)
        query = current_query()
        if status == 201 and "include" not in flask.request.args:
            query = replace(query, include=INCLUDED_BY_DEFAULT)
        headers = {"Location": orders.location(order)} if status == 201 else None
        return amended(db, orders.document(db, order, claims, query=query), status, headers)
