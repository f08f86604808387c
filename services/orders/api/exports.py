"""Lists as CSV. Clients start an export, poll its task, and open the file without a token: the path carries its own.

Nothing is stored: the token is signed, names event and kind, and is good for fifteen minutes.
"""

import base64
import csv
import hashlib
import hmac
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import flask
import orjson
from sqlalchemy import select

from chassis import clock
from chassis.auth import Claims
from chassis.db import transaction
from chassis.errors import NotFound
from chassis.money import to_major
from chassis.responses import JSON, respond
from services.orders import config
from services.orders.domain.forms import BILLING_COLUMNS
from services.orders.domain.policy import Operation
from services.orders.models import Attendee, Order, Ticket
from services.orders.queries import access

GOOD_FOR_SECONDS = 900
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
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
    """The task: it is always done, the file is made when it is fetched."""
    kind, _event_id = _read(token)
    url = f"{config.current().public_url}/v1/exports/{token}/{kind}.csv"
    return respond({"state": "SUCCESS", "result": {"download_url": url}}, media_type=JSON)


def get_export_file(token: str, name: str) -> flask.Response:
    """The file."""
    kind, event_id = _read(token)
    if name != f"{kind}.csv":
        raise NotFound("There is no such file.")
    with transaction() as db:
        rows = _attendee_rows(db, event_id) if kind == "attendees" else _order_rows(db, event_id)
        content = as_csv(rows)
    headers = {"Content-Disposition": f'attachment; filename="{kind}.csv"', "Cache-Control": "no-store"}
    return flask.Response(content, headers=headers, content_type="text/csv; charset=utf-8")


def as_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV. What a spreadsheet would take for a formula is quoted, because attendees write it."""
    target = io.StringIO()
    writer = csv.writer(target)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return target.getvalue()


def _start(kind: str, event: str, claims: Claims) -> flask.Response:
    event_id = access.event_id_of(event)
    access.require_in_event(Operation.EXPORT_ATTENDEES, event_id, claims)
    token = _sign({"kind": kind, "event": event_id, "until": int(clock.now().timestamp()) + GOOD_FOR_SECONDS})
    return respond({"task_url": f"/v1/exports/{token}"}, media_type=JSON)


def _attendee_rows(db: Any, event_id: int) -> list[Sequence[Any]]:
    statement = (
        select(Attendee, Order, Ticket.name)
        .join(Order, Order.id == Attendee.order_id)
        .join(Ticket, Ticket.id == Attendee.ticket_id, isouter=True)
        .where(Attendee.event_id == event_id, Attendee.deleted_at.is_(None), Order.deleted_at.is_(None))
        .order_by(Attendee.id)
    )
    head = ["order", "status", "ordered at", "ticket", "price", "currency"]
    rows: list[Sequence[Any]] = [[*head, *(each.replace("_", " ") for each in ATTENDEE_COLUMNS)]]
    for attendee, order, ticket in db.execute(statement):
        price = to_major(attendee.price_minor, order.currency)
        own = [getattr(attendee, name) for name in ATTENDEE_COLUMNS]
        rows.append([order.identifier, order.status, order.created_at, ticket, price, order.currency, *own])
    return rows


def _order_rows(db: Any, event_id: int) -> list[Sequence[Any]]:
    names = ("identifier", "status", "created_at", "completed_at", "payment_mode", "invoice_number", "buyer_email")
    rows: list[Sequence[Any]] = [
        [*(each.replace("_", " ") for each in names), "amount", "refunded", "currency", *BILLING_COLUMNS]
    ]
    statement = select(Order).where(Order.event_id == event_id, Order.deleted_at.is_(None)).order_by(Order.id)
    for order in db.execute(statement).scalars():
        amounts = [to_major(order.amount_minor, order.currency), to_major(order.refunded_minor, order.currency)]
        own = [getattr(order, name) for name in names]
        rows.append([*own, *amounts, order.currency, *(getattr(order, name) for name in BILLING_COLUMNS)])
    return rows


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, str) and value.startswith(DANGEROUS):
        return f"'{value}"
    return "" if value is None else value


def _sign(claims: Mapping[str, Any]) -> str:
    payload = base64.urlsafe_b64encode(orjson.dumps(claims)).decode().rstrip("=")
    return f"{payload}.{_seal(payload)}"


def _read(token: str) -> tuple[str, int]:
    payload, _, seal = token.partition(".")
    if not hmac.compare_digest(seal.encode(), _seal(payload).encode()):
        raise NotFound("There is no such export.")
    claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if claims["until"] < clock.now().timestamp():
        raise NotFound("This export is over. Please start it again.", code="export-over")
    return str(claims["kind"]), int(claims["event"])


def _seal(payload: str) -> str:
    secret = f"export:{config.current().service_secret}".encode()
    return hmac.new(secret, payload.encode(), hashlib.sha256).hexdigest()
