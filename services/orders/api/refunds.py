"""Giving money back, all or a part of it (RULES 12), and marking owed refunds as paid."""

from collections.abc import Mapping
from typing import Any

import flask
from sqlalchemy.orm import Session

from chassis import clock, messages
from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.errors import Unprocessable
from chassis.idempotency import answered
from chassis.jsonapi import current_query, tagged
from chassis.money import to_minor
from services.orders.api.resources import asks_team, orders, refunds
from services.orders.commands import refunding
from services.orders.domain import carts, policy
from services.orders.domain.policy import Operation
from services.orders.models import Order, Refund
from services.orders.queries import access

get_refund = refunds.fetch


@asks_team
def refund_order(identifier: str, token_info: Claims, body: dict[str, Any] | None = None) -> flask.Response:
    """Attendees: they do not come, what they cost is given back. Amount: seats stay. Neither: all that is left."""
    wanted = _wanted(body)
    ids = sorted({carts.read_id(each, "/attendees") for each in wanted.get("attendees") or ()})
    if ids and wanted.get("amount") is not None:
        raise Unprocessable("Name attendees, or an amount, not both.", code="refund-ambiguous")
    reason = (wanted.get("reason") or "").strip()
    now = clock.now()
    decision = str(messages.new_id())

    def work(db: Session) -> flask.Response:
        order, relations = access.find(db, identifier, token_info, lock=True)
        policy.require(Operation.REFUND_ORDER, relations, seen_by=Operation.VIEW_ORDER)
        key = f"{order.identifier}:{decision}"
        by = token_info.user_id
        if ids:
            refunding.refund_attendees(db, order, ids, key=key, reason=reason, by=by, now=now)
        else:
            amount = _amount(wanted, order)
            refunding.refund_part(db, order, amount, key=key, reason=reason, by=by, now=now)
        db.flush()
        return answered(db, orders.document(db, order, token_info, query=current_query()))

    return run(work)


@asks_team
def list_refunds_of_order(identifier: str, token_info: Claims) -> flask.Response:
    """All decisions about an order."""
    with transaction() as db:
        order = orders.find(db, identifier, token_info)
        return tagged(refunds.page(db, token_info, Refund.order_id == order.id))


def update_refund(refund_id: str, body: dict[str, Any], token_info: Claims) -> flask.Response:
    """`status: paid` on an owed refund: the organizer has given the money back."""
    incoming = refunds.read(body, partial=True)
    now = clock.now()

    def work(db: Session) -> flask.Response:
        refund = refunds.find(db, refund_id, token_info)
        order = db.get_one(Order, refund.order_id, with_for_update=True)
        policy.require(Operation.REFUND_ORDER, access.relations_of(db, order, token_info), seen_by=Operation.VIEW_ORDER)
        refunds.require_unchanged(db, refund, token_info)
        status = incoming.values.get("status")
        if status is not None and status != refund.status:
            if status != "paid":
                raise Unprocessable("An owed refund can become paid, nothing else.", code="status-impossible")
            refunding.mark_paid(db, order, refund, now)
        db.flush()
        return answered(db, refunds.document(db, refund, token_info))

    return run(work)


def _wanted(body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    given = body or {}
    data = given.get("data")
    attributes: Mapping[str, Any] = (data.get("attributes") or {}) if isinstance(data, Mapping) else given
    return attributes


def _amount(wanted: Mapping[str, Any], order: Order) -> int | None:
    amount = wanted.get("amount")
    return None if amount is None else to_minor(amount, order.currency)
