"""Mails once more: only on demand, and not too often."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import flask
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from chassis import clock, messages
from chassis.auth import Claims
from chassis.db import run
from chassis.errors import Conflict, NotFound, TooManyRequests, Unprocessable
from chassis.idempotency import answered
from chassis.outbox import publish
from chassis.responses import JSON
from proto.orders import orders_pb2
from services.orders.api.resources import asks_team
from services.orders.domain import policy
from services.orders.domain.lifecycle import Status
from services.orders.domain.policy import Operation, Relation
from services.orders.models import Order, Resend
from services.orders.queries import access

MINUTE = timedelta(minutes=1)
PER_USER, IN_ALL = 5, 60


def resend_email(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """Tickets (or payment instructions) once more, by those who run the event."""
    return _resend(identifier=str(body["data"]["order"]), token_info=token_info)


@asks_team
def _resend(identifier: str, token_info: Claims) -> flask.Response:
    def work(db: Session) -> flask.Response:
        order, relations = access.find(db, identifier, token_info)
        policy.require(Operation.RESEND_TICKETS, relations, seen_by=Operation.VIEW_ORDER)
        if order.status not in (Status.PLACED, Status.COMPLETED):
            raise Unprocessable(
                f"An order that is {order.status} has no mails to send again.",
                code="nothing-to-send",
                source={"pointer": "/data/order"},
            )
        _send(db, order, token_info)
        return answered(db, {"status": True, "message": "The mails are on their way."}, media_type=JSON)

    return run(work)


def send_receipt(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """The mails of a completed order once more, also by its buyer and those at the door."""
    return _send_receipt(identifier=_order_of(body), token_info=token_info)


@asks_team
def _send_receipt(identifier: str, token_info: Claims) -> flask.Response:
    def work(db: Session) -> flask.Response:
        order, relations = access.find(db, identifier, token_info)
        if relations.isdisjoint({Relation.BUYER, Relation.REGISTRAR, Relation.EVENT_ADMIN, Relation.SERVER_ADMIN}):
            raise policy.refusal(Operation.RESEND_TICKETS, relations, seen_by=Operation.VIEW_ORDER)
        if order.status != Status.COMPLETED:
            raise Conflict(f"An order that is {order.status} has no receipt.", code="nothing-to-send")
        _send(db, order, token_info)
        return answered(db, {"message": "The receipts are on their way."}, media_type=JSON)

    return run(work)


def _send(db: Session, order: Order, claims: Claims) -> None:
    """Raises TooManyRequests beyond 5 a minute per user, 60 a minute in all."""
    db.execute(text("SELECT pg_advisory_xact_lock(12, 0)"))
    since = clock.now() - MINUTE
    counts = db.execute(
        select(func.count(), func.count().filter(Resend.user_id == claims.user_id)).where(Resend.created_at > since)
    ).one()
    if counts[0] >= IN_ALL or counts[1] >= PER_USER:
        raise TooManyRequests("That was asked for too often. Please wait a minute.", retry_after_seconds=60)
    db.add(Resend(user_id=claims.user_id, order_id=order.id, created_at=clock.now()))
    message = orders_pb2.TicketsResendRequested(order_identifier=order.identifier, request_key=str(messages.new_id()))
    publish(db, message, key=order.identifier)


def _order_of(body: Mapping[str, Any]) -> str:
    data = body.get("data") or {}
    attributes = data.get("attributes") if isinstance(data.get("attributes"), Mapping) else data
    for source in (body, attributes or {}):
        for name in ("order-identifier", "order_identifier"):
            if source.get(name):
                return str(source[name])
    raise NotFound("Name the order: order-identifier.", code="order-missing")
