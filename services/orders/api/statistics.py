"""Tickets, orders and sales by status. Amounts of different currencies are never added."""

from typing import Any

import flask

from chassis.auth import Claims
from chassis.db import transaction
from chassis.jsonapi import tagged
from services.orders.domain.policy import Operation
from services.orders.domain.statistics import figures
from services.orders.models import Event
from services.orders.queries import access, sales


def get_statistics_of_event(event: str, token_info: Claims) -> flask.Response:
    """Of an event, for those who run it."""
    event_id = access.event_id_of(event)
    access.require_in_event(Operation.VIEW_STATISTICS, event_id, token_info)
    with transaction() as db:
        known = db.get(Event, event_id)
        rows = sales.statistics(db, event_id=event_id)
        capacity = sum(stock.capacity for stock in sales.stock_of_event(db, event_id))
        currency = known.currency if known is not None else ""
    path = f"/v1/events/{event_id}/order-statistics"
    identifier = known.identifier if known is not None else str(event_id)
    return tagged(_document("order-statistics-event", event_id, identifier, path, figures(rows, currency, capacity)))


def get_statistics_of_ticket(ticket_id: str, token_info: Claims) -> flask.Response:
    """Of a ticket type, for those who run its event."""
    event_id = access.event_of_ticket(int(ticket_id))
    access.require_in_event(Operation.VIEW_STATISTICS, event_id, token_info)
    with transaction() as db:
        known = db.get(Event, event_id)
        rows = sales.statistics(db, ticket_id=int(ticket_id))
        capacity = sum(each.capacity for each in sales.stock_of_event(db, event_id) if each.ticket_id == int(ticket_id))
        currency = known.currency if known is not None else ""
    path = f"/v1/tickets/{ticket_id}/order-statistics"
    return tagged(
        _document("order-statistics-ticket", int(ticket_id), ticket_id, path, figures(rows, currency, capacity))
    )


def _document(kind: str, number: int, identifier: str, path: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": {
            "type": kind,
            "id": str(number),
            "attributes": {"identifier": identifier, **attributes},
            "links": {"self": path},
        },
        "links": {"self": path},
        "jsonapi": {"version": "1.0"},
    }
