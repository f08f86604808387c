"""Lists of an event as CSV: who comes, and what was ordered. How clients get them: `chassis.exports`."""

from collections.abc import Sequence
from typing import Any

import flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.db import transaction
from chassis.exports import Exports
from chassis.money import to_major
from services.orders import config
from services.orders.domain.forms import BILLING_COLUMNS
from services.orders.domain.policy import Operation
from services.orders.models import Attendee, Order, Ticket
from services.orders.queries import access

# Processes draw numbers in blocks: those of rows do not say which came first.
_SINCE_WHEN = (Order.created_at, Order.id)

exports = Exports("/v1/exports", config.current)
ATTENDEE_COLUMNS = (
    "firstname", "lastname", "email", "company", "job_title", "phone", "address", "city", "state", "country",
    "is_checked_in", "checkin_times", "checkout_times", "attendee_notes",
)  # fmt: skip


def export_attendees(event: str, token_info: Claims) -> flask.Response:
    """Starts the export of the attendee list."""
    return _start("attendees", event, token_info)


def export_orders(event: str, token_info: Claims) -> flask.Response:
    """Starts the export of the orders."""
    return _start("orders", event, token_info)


def get_export(token: str) -> flask.Response:
    """The task."""
    return exports.state(token)


def get_export_file(token: str, name: str) -> flask.Response:
    """The file."""
    with transaction() as db:
        rows = {
            "attendees": lambda event_id: _attendee_rows(db, event_id),
            "orders": lambda event_id: _order_rows(db, event_id),
        }
        return exports.file(token, name, rows)


def _start(kind: str, event: str, claims: Claims) -> flask.Response:
    event_id = access.event_id_of(event)
    access.require_in_event(Operation.EXPORT_ATTENDEES, event_id, claims)
    return exports.start(kind, event_id)


def _attendee_rows(db: Session, event_id: int) -> list[Sequence[Any]]:
    statement = (
        select(Attendee, Order, Ticket.name)
        .join(Order, Order.id == Attendee.order_id)
        .join(Ticket, Ticket.id == Attendee.ticket_id, isouter=True)
        .where(Attendee.event_id == event_id, Attendee.deleted_at.is_(None), Order.deleted_at.is_(None))
        .order_by(*_SINCE_WHEN, Attendee.id)
    )
    head = ["order", "status", "ordered at", "ticket", "price", "currency"]
    rows: list[Sequence[Any]] = [[*head, *(each.replace("_", " ") for each in ATTENDEE_COLUMNS)]]
    for attendee, order, ticket in db.execute(statement):
        price = to_major(attendee.price_minor, order.currency)
        own = [getattr(attendee, name) for name in ATTENDEE_COLUMNS]
        rows.append([order.identifier, order.status, order.created_at, ticket, price, order.currency, *own])
    return rows


def _order_rows(db: Session, event_id: int) -> list[Sequence[Any]]:
    names = ("identifier", "status", "created_at", "completed_at", "payment_mode", "invoice_number", "buyer_email")
    rows: list[Sequence[Any]] = [
        [*(each.replace("_", " ") for each in names), "amount", "refunded", "currency", *BILLING_COLUMNS]
    ]
    statement = select(Order).where(Order.event_id == event_id, Order.deleted_at.is_(None)).order_by(*_SINCE_WHEN)
    for order in db.execute(statement).scalars():
        amounts = [to_major(order.amount_minor, order.currency), to_major(order.refunded_minor, order.currency)]
        own = [getattr(order, name) for name in names]
        rows.append([*own, *amounts, order.currency, *(getattr(order, name) for name in BILLING_COLUMNS)])
    return rows
