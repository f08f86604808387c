"""Paying an order online: charge, verify, and opening a PayPal payment."""

from collections.abc import Mapping
from typing import Any

import flask
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import persist, run, transaction
from chassis.errors import Conflict, DomainError, Unavailable, Unprocessable
from chassis.idempotency import answered
from chassis.jsonapi import Query
from chassis.responses import JSON, respond
from proto.payments import payments_pb2
from services.orders import clients
from services.orders.api.resources import asks_team, orders
from services.orders.commands import paying
from services.orders.domain import policy
from services.orders.domain.lifecycle import Status
from services.orders.domain.policy import Operation
from services.orders.models import Order
from services.orders.queries import access
from services.orders.queries import orders as queries

Levels = frozenset[str]
STRIPE = {"pointer": "/data/attributes/stripe"}


class StripeTokenMissing(Unprocessable):
    code = "stripe-token-missing"


class PaymentDeclined(Unprocessable):
    """As payments refuses a decline that it hears itself; this one it knew already."""

    code = "declined"


@asks_team
def charge_order(identifier: str, token_info: Claims, body: dict[str, Any] | None = None) -> flask.Response:
    """Charges a token, executes an approved PayPal payment, or opens a PaymentIntent for the client to confirm."""
    attributes = _attributes(body)
    begun = run(lambda db: _begin(db, identifier, attributes, token_info))
    if isinstance(begun, flask.Response):
        return begun
    attempt, levels = begun
    key = attempt.identifier
    try:
        state = _call(attempt, attributes)
    except DomainError as error:
        is_decided = not isinstance(error, Unavailable)
        persist(lambda db: paying.let_go(db, key, attempt.mark, is_decided=is_decided))
        raise
    if state.status == "declined":
        persist(lambda db: paying.let_go(db, key, attempt.mark, is_decided=True))
        raise _declined(state)
    return persist(lambda db: _settle(db, attempt, state, token_info, levels))


@asks_team
def verify_order(identifier: str, token_info: Claims) -> flask.Response:
    """Asks the provider and settles what it says. Safe to repeat: nothing is made twice."""
    key = find_for_charge(identifier, token_info)
    with transaction() as db:
        order = queries.find(db, key)
        is_open = order.attempted_at is not None and order.status not in (Status.COMPLETED, Status.CANCELLED)
    state = clients.verify_payment(key) if is_open else payments_pb2.PaymentState(status="none")

    def work(db: Session) -> flask.Response:
        settled = paying.receive(db, state, now=clock.now()) if state.status == "captured" else queries.find(db, key)
        is_paid = settled.status == Status.COMPLETED
        document = {
            "status": is_paid,
            "payment-status": "captured" if settled.captured_minor else state.status or "none",
            "order-status": settled.status,
            "message": state.message or None,
        }
        return answered(db, document, media_type=JSON)

    return run(work)


def find_for_charge(identifier: str, claims: Claims) -> str:
    """The identifier of an order that this caller may charge. Raises NotFound or Forbidden."""
    with transaction() as db:
        return _find(db, identifier, claims)[0].identifier


def _find(
    db: Session, identifier: str, claims: Claims, *, lock: bool = False
) -> tuple[Order, frozenset[policy.Relation]]:
    """An order that the caller may charge, and what the caller is to it. Raises NotFound or Forbidden."""
    order, relations = access.find(db, identifier, claims, lock=lock)
    policy.require(Operation.CHARGE_ORDER, relations, seen_by=Operation.VIEW_ORDER)
    return order, relations


def _attributes(body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    data = (body or {}).get("data") or {}
    if data.get("type", "charge") != "charge":
        raise Conflict("The type has to be “charge”.", code="type-mismatch", source={"pointer": "/data/type"})
    attributes: Mapping[str, Any] = data.get("attributes") or {}
    return attributes


def _begin(
    db: Session, identifier: str, attributes: Mapping[str, Any], claims: Claims
) -> tuple[paying.Attempt, Levels] | flask.Response:
    """The attempt, and the levels that the caller holds on the order; or the answer, where this very request, sent
    before with its key, has paid the order while its answer was lost.
    """
    order, relations = _find(db, identifier, claims, lock=True)
    levels = policy.levels(relations)
    is_paid = order.status == Status.COMPLETED and order.captured_minor
    if is_paid and flask.request.headers.get("Idempotency-Key"):
        return answered(db, _document(db, order, claims, levels, status=True, message="The order is paid."))
    attempt = paying.begin(db, order, mode=None, now=clock.now())
    if attempt.mode == "stripe" and "stripe" in attributes and not attributes["stripe"]:
        raise StripeTokenMissing("The Stripe token is missing.", source={**STRIPE, "source": "stripe_token_id"})
    return attempt, levels


def _call(attempt: paying.Attempt, attributes: Mapping[str, Any]) -> payments_pb2.PaymentState:
    if attempt.mode == "stripe" and not attributes.get("stripe"):
        return clients.start_payment(attempt.request)
    return clients.charge(
        payments_pb2.ChargeRequest(
            payment=attempt.request,
            stripe_token=attributes.get("stripe") or "",
            paypal_payer_id=_either(attributes, "paypal-payer-id"),
            paypal_payment_id=_either(attributes, "paypal-payment-id"),
        )
    )


def _settle(
    db: Session, attempt: paying.Attempt, state: payments_pb2.PaymentState, claims: Claims, levels: Levels
) -> flask.Response:
    """What the provider said, applied to the order, and the answer; all in one transaction."""
    order = paying.let_go(db, attempt.identifier, attempt.mark, is_decided=state.status != "unknown")

    def answer(*, status: bool, message: str, code: int = 200) -> flask.Response:
        return answered(db, _document(db, order, claims, levels, status=status, message=message), code)

    if state.status == "captured":
        paying.settle(db, order, state, now=clock.now())
        if order.payment_id != state.payment_id or order.status != Status.COMPLETED:
            return answer(status=False, message="The payment came too late, or twice. It is given back.")
        return answer(status=True, message=state.message or "The order is paid.")
    if state.payment_url:
        order.payment_url = state.payment_url
    if state.status == "unknown":
        message = "The outcome is not known yet. Nothing will be charged twice; please look again in a minute."
        return answer(status=False, message=message, code=202)
    is_intent = bool(state.client_payload_json)
    message = state.client_payload_json or state.message or "The payment is not finished."
    is_open = is_intent and state.status == "open"
    if is_intent:  # its secret is kept nowhere: a repeat with the same key asks again, and is given the same intent
        return respond(_document(db, order, claims, levels, status=is_open, message=message))
    return answer(status=is_open, message=message)


def _declined(state: payments_pb2.PaymentState) -> PaymentDeclined:
    """The provider said no; the order stays payable."""
    meta = {"decline-code": state.decline_reason} if state.decline_reason else None
    return PaymentDeclined(state.message or "The payment was declined.", code=state.decline_code or None, meta=meta)


def _document(
    db: Session, order: Order, claims: Claims, levels: Levels, *, status: bool, message: str
) -> dict[str, Any]:
    included = orders.document(db, order, claims, query=Query(), levels=levels)
    link = f"/v1/orders/{order.identifier}/charge"
    return {
        "data": {
            "type": "charge",
            "id": str(order.id),
            "attributes": {"status": status, "message": message},
            "relationships": {
                "order": {
                    "links": {"related": f"/v1/orders/{order.identifier}"},
                    "data": {"type": "order", "id": str(order.id)},
                }
            },
            "links": {"self": link},
        },
        "included": [included["data"]],
        "links": {"self": link},
        "jsonapi": {"version": "1.0"},
    }


def _either(attributes: Mapping[str, Any], name: str) -> str:
    return attributes.get(name) or attributes.get(name.replace("-", "_")) or ""
