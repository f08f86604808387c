"""Attendees: made before an order, listed, changed, checked in."""

from collections.abc import Mapping
from typing import Any

import flask
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.errors import BadRequest, Forbidden, NotFound, Unprocessable
from chassis.idempotency import answered
from chassis.jsonapi import Query, current_query, negotiate, require_match, tagged
from chassis.responses import JSON, respond
from services.orders import clients
from services.orders.api.resources import asks_team, attendees
from services.orders.commands import attending, checkins, replicas
from services.orders.domain import checkin, forms, policy
from services.orders.domain.lifecycle import Status
from services.orders.domain.policy import Operation, Relation
from services.orders.models import Attendee, Order, Ticket
from services.orders.queries import access
from services.orders.queries import orders as queries

RELATION = "/data/relationships"
EDITABLE_STATUSES = frozenset({Status.INITIALIZING, Status.PENDING, Status.PLACED, Status.COMPLETED})

get_attendee = attendees.fetch
get_order_of_attendee = attendees.fetch_related("order")
get_event_of_attendee = attendees.fetch_related("event")
get_ticket_of_attendee = attendees.fetch_related("ticket")
get_user_of_attendee = attendees.fetch_related("user")
get_tag_of_attendee = attendees.fetch_related("tag")
get_order_linkage_of_attendee = attendees.fetch_linkage("order")
get_event_linkage_of_attendee = attendees.fetch_linkage("event")
get_ticket_linkage_of_attendee = attendees.fetch_linkage("ticket")
get_user_linkage_of_attendee = attendees.fetch_linkage("user")
get_tag_linkage_of_attendee = attendees.fetch_linkage("tag")


def create_attendee(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """A loose attendee: it takes no seat until an order is placed for it."""
    negotiate(flask.request.headers.get("Accept"))
    incoming = attendees.read(body)
    event_id = _required(incoming.related, "event")
    ticket_id = _required(incoming.related, "ticket")
    known_ticket(ticket_id)
    values = writable(incoming.values)
    price = _sent_price(body)
    now = clock.now()

    def work(db: Session) -> flask.Response:
        ticket = db.get(Ticket, ticket_id)
        if ticket is None or ticket.is_deleted or ticket.event_id != event_id:
            raise Unprocessable(
                "There is no such ticket in this event.",
                code="ticket-of-other-event",
                source={"pointer": f"{RELATION}/ticket"},
            )
        attendee = Attendee(
            **values,
            identifier=attending.new_identifier(),
            event_id=event_id,
            ticket_id=ticket_id,
            creator_id=token_info.user_id,
            created_at=now,
        )
        attending.admit(db, token_info, attendee, ticket, price)
        db.flush()
        headers = {"Location": attendees.location(attendee)}
        return answered(db, attendees.document(db, attendee, token_info), 201, headers)

    return run(work)


@asks_team
def update_attendee(attendee_id: str, body: dict[str, Any], token_info: Claims) -> flask.Response:
    """Personal data, by the buyer or those who run the event; check-in, by those at the door (RULES 26)."""
    negotiate(flask.request.headers.get("Accept"))
    incoming = attendees.read(body, partial=True)
    if incoming.id != attendee_id:
        raise BadRequest("The id is not that of the path.", code="id-mismatch", source={"pointer": "/data/id"})
    relations, scan = _look(attendee_id, incoming.values, token_info)
    entered = clients.scan(checkins.scan_request(int(attendee_id), scan, token_info.user_id)) if scan else None
    query = current_query()

    def work(db: Session) -> flask.Response:
        attendee, order = _lock(db, attendee_id, token_info)
        _require_unchanged(db, attendee, token_info)
        values = _allowed(incoming.values, order, relations)
        attending.change(db, attendee, order, values)
        if policy.may(Operation.CHECK_IN, relations):
            checkins.apply(db, attendee, incoming.values, incoming.related, entered, door=scan.door if scan else "")
        db.flush()
        return answered(db, attendees.document(db, attendee, token_info, query=query))

    return run(work)


@asks_team
def delete_attendee(attendee_id: str, token_info: Claims) -> flask.Response:
    """A loose one goes; one in an order stays: the order is cancelled, or the attendee refunded."""
    negotiate(flask.request.headers.get("Accept"))
    now = clock.now()

    def work(db: Session) -> flask.Response:
        attendee, order = _lock(db, attendee_id, token_info)
        relations = _relations(db, attendee, order, token_info)
        policy.require(Operation.DELETE_ATTENDEE, relations, seen_by=Operation.VIEW_ATTENDEE)
        attending.remove(db, attendee, now)
        db.flush()
        return answered(db, {"meta": {"message": "The attendee was deleted."}, "jsonapi": {"version": "1.0"}})

    return run(work)


def list_attendees_of_event(event: str, token_info: Claims) -> flask.Response:
    """All attendees of an event that are in an order, for those at its door."""
    negotiate(flask.request.headers.get("Accept"))
    event_id = access.event_id_of(event)
    access.require_in_event(Operation.LIST_EVENT_ATTENDEES, event_id, token_info)
    with transaction() as db:
        return tagged(attendees.page(db, token_info, Attendee.event_id == event_id, Attendee.order_id.is_not(None)))


def list_attendees_of_ticket(ticket_id: str, token_info: Claims) -> flask.Response:
    """Attendees with a ticket type: of those, the ones that the caller may see."""
    negotiate(flask.request.headers.get("Accept"))
    with transaction() as db:
        return tagged(attendees.page(db, token_info, Attendee.ticket_id == int(ticket_id)))


def list_attendees_of_user(user_id: str, token_info: Claims) -> flask.Response:
    """Attendees that are this user."""
    negotiate(flask.request.headers.get("Accept"))
    if int(user_id) != token_info.user_id and not token_info.is_admin:
        raise Forbidden("These are the tickets of somebody else.", code="not-allowed")
    with transaction() as db:
        email = access.address_of_user(db, int(user_id), token_info)
        return tagged(attendees.page(db, token_info, access.attendees_of_user(int(user_id), email)))


def search_attendees(event: str, token_info: Claims, query: str = "") -> flask.Response:
    """Attendees of an event by a part of their name or address, for those at its door."""
    event_id = access.event_id_of(event)
    access.require_in_event(Operation.LIST_EVENT_ATTENDEES, event_id, token_info)
    wanted = query.strip()
    name = func.concat_ws(" ", Attendee.firstname, Attendee.lastname)
    statement = (
        select(Attendee)
        .where(Attendee.event_id == event_id, Attendee.order_id.is_not(None), Attendee.deleted_at.is_(None))
        .where(or_(name.icontains(wanted, autoescape=True), Attendee.email.icontains(wanted, autoescape=True)))
        .order_by(Attendee.id)
        .limit(100)
    )
    with transaction() as db:
        found = db.execute(statement).scalars().all() if wanted else []
        names = ("id", "firstname", "lastname", "email", "identifier", "is_checked_in", "ticket_id")
        return respond(
            {"attendees": [{name: getattr(each, name) for name in names} for each in found]}, media_type=JSON
        )


def known_ticket(ticket_id: int) -> None:
    """Makes sure that the replica has the ticket and its event; events is asked where it has not. Raises Unprocessable."""
    with transaction() as db:
        if db.get(Ticket, ticket_id) is not None:
            return
    ticket = clients.get_ticket(ticket_id)
    if ticket is None or ticket.deleted:
        raise Unprocessable("There is no such ticket.", code="ticket-unknown", source={"pointer": f"{RELATION}/ticket"})
    event = clients.get_event(str(ticket.event_id))

    def work(db: Session) -> None:
        replicas.store_ticket(db, ticket)
        if event is not None:
            replicas.store_event(db, event)

    run(work)


def writable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Personal data only: what the door writes, and what the order decides, is left out."""
    kept = {name: value for name, value in values.items() if name in attending.PERSONAL}
    if "complex_field_values" in kept:
        kept["complex_field_values"] = forms.check_complex(kept["complex_field_values"])
    return kept


def _look(
    attendee_id: str, values: Mapping[str, Any], claims: Claims
) -> tuple[frozenset[Relation], checkin.Entry | None]:
    """What the caller is to the attendee, and the new times at the door that the PATCH brings."""
    with transaction() as db:
        attendee = attendees.find(db, attendee_id, claims)
        order = db.get(Order, attendee.order_id) if attendee.order_id is not None else None
        relations = _relations(db, attendee, order, claims)
        if not policy.may(Operation.EDIT_ATTENDEE, relations):
            policy.require(Operation.CHECK_IN, relations, seen_by=Operation.VIEW_ATTENDEE)
        if not policy.may(Operation.CHECK_IN, relations):
            return relations, None
        known = checkin.Known(attendee.checkin_times, attendee.checkout_times)
        return relations, checkin.read_entry(values, known, clock.now())


def _lock(db: Session, attendee_id: str, claims: Claims) -> tuple[Attendee, Order | None]:
    """Order first, then attendee: the lock order."""
    attendee = attendees.find(db, attendee_id, claims)
    order = None
    if attendee.order_id is not None:
        order = db.get_one(Order, attendee.order_id, with_for_update=True, populate_existing=True)
    found = queries.attendees_by_id(db, [attendee.id], lock=True)
    if not found or found[0].order_id != (order.id if order else None):
        raise NotFound("There is no such attendee.")
    return found[0], order


def _relations(db: Session, attendee: Attendee, order: Order | None, claims: Claims) -> frozenset[Relation]:
    roles = access.known_roles(db, attendee.event_id, claims.user_id) or frozenset()
    if order is not None:
        return access.relations_to_order(db, order, claims, roles)
    return policy.relations(
        is_buyer=attendee.creator_id == claims.user_id, roles=roles, is_server_admin=claims.is_admin
    )


def _allowed(values: Mapping[str, Any], order: Order | None, relations: frozenset[Relation]) -> dict[str, Any]:
    """The personal data that this caller may change now; those at the door send it along, and it is left out."""
    if not policy.may(Operation.EDIT_ATTENDEE, relations):
        return {}
    if order is not None and Status(order.status) not in EDITABLE_STATUSES:
        raise Unprocessable(
            f"Attendees of an order that is {order.status} cannot be changed.",
            code="order-closed",
            meta={"status": order.status},
        )
    return writable(values)


def _require_unchanged(db: Session, attendee: Attendee, claims: Claims) -> None:
    wanted = flask.request.headers.get("If-Match")
    require_match(wanted, lambda: respond(attendees.document(db, attendee, claims, query=Query())).get_data())


def _required(related: Mapping[str, Any], name: str) -> int:
    if related.get(name) is None:
        raise Unprocessable(
            f"An attendee needs the relation {name}.", code=f"{name}-missing", source={"pointer": f"{RELATION}/{name}"}
        )
    return int(related[name])


def _sent_price(body: Mapping[str, Any]) -> Any:
    attributes = body["data"].get("attributes") or {}
    price = attributes.get("price")
    return price if isinstance(price, int | float) and not isinstance(price, bool) else None
