"""Ticket types: what is offered, at which price, how often."""

from typing import Any

import flask
from sqlalchemy import Numeric, case, cast
from sqlalchemy.orm import Session

from chassis import money
from chassis.auth import Claims
from chassis.db import transaction
from chassis.jsonapi import Resource
from chassis.responses import JSON, respond
from services.events import catalogue, clients, promises, queries
from services.events.api.events import events
from services.events.api.of_event import SPEC, requires
from services.events.models import Ticket, TicketTag

Values = dict[str, Any]


def _major(column: Any) -> Any:
    """A price as documents show it, for filters and sorting."""
    divisors = {currency: 10**digits for currency, digits in money.OTHER_EXPONENTS.items()}
    divisor = case(divisors, value=Ticket.currency, else_=100)
    return cast(column, Numeric) / divisor


def _before_create(db: Session, claims: Claims, values: Values, related: Values) -> None:
    event = queries.event_for(db, claims, related.get("event"), "coorganizer")
    catalogue.prepare_ticket(db, event, None, values)
    queries.check_same_event(db, event.id, related, {"ticket_tags": TicketTag})


def _before_update(db: Session, _claims: Claims, row: Ticket, values: Values, related: Values) -> None:
    related.pop("event", None)
    catalogue.prepare_ticket(db, queries.event_of(db, row), row, values)
    queries.check_same_event(db, row.event_id, related, {"ticket_tags": TicketTag})


tickets = Resource(
    "ticket",
    Ticket,
    spec=SPEC,
    visible=queries.visible_tickets,
    computed={
        "price": lambda ticket: money.to_major(ticket.price_minor, ticket.currency),
        "min-price": lambda ticket: money.to_major(ticket.min_price_minor, ticket.currency),
        "max-price": lambda ticket: money.to_major(ticket.max_price_minor, ticket.currency),
    },
    columns={"price": _major(Ticket.price_minor)},
    sort="position,id",
    before_create=_before_create,
    before_update=_before_update,
    may_create=requires("coorganizer"),
    may_change=requires("coorganizer"),
)

create_ticket, get_ticket = tickets.create, tickets.fetch
update_ticket, delete_ticket = promises.kept(tickets.update), promises.kept(tickets.delete)
list_tickets_of_event = events.fetch_related("tickets")
get_event_of_ticket = tickets.fetch_related("event")
list_discount_codes_of_ticket = tickets.fetch_related("discount-codes", may=requires("coorganizer"))
list_access_codes_of_ticket = tickets.fetch_related("access-codes", may=requires("coorganizer"))
list_ticket_tags_of_ticket = tickets.fetch_related("ticket-tags")


def get_availability(identifier: str, token_info: Claims | None = None) -> flask.Response:
    """How many of each visible ticket are left: what is taken is asked of orders, outside of the transaction."""
    with transaction() as db:
        event = events.find(db, identifier, token_info)
        offered = catalogue.visible_tickets(db, event.id, token_info)
    taken = clients.stock_of_event(event.id) if offered else {}
    return respond(
        [
            {
                "id": ticket.id,
                "name": ticket.name,
                "quantity": ticket.quantity,
                "available": _left(ticket.quantity, taken.get(ticket.id)),
            }
            for ticket in offered
        ],
        media_type=JSON,
    )


def _left(quantity: int, stock: Any) -> int:
    return max(0, quantity - (stock.held + stock.sold if stock is not None else 0))
