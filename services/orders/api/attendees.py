"""Attendees: made before an order, listed, changed, checked in."""

from collections.abc import Mapping
from typing import Any

import flask
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.errors import BadRequest, Unprocessable
from chassis.idempotency import answered
from chassis.jsonapi import current_query, tagged
from chassis.responses import JSON, respond
from proto.tickets import tickets_pb2
from services.orders import clients
from services.orders.api.lists import list_of_event, list_of_user
from services.orders.api.resources import asks_team, attendees
from services.orders.commands import attending, checkins, replicas
from services.orders.domain import checkin, forms, policy
from services.orders.domain.lifecycle import Status
from services.orders.domain.policy import Operation, Relation
from services.orders.models import Attendee, Order, Ticket
from services.orders.queries import access, people
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


class _AsksTheDoor(Exception):
    """The PATCH brings new times: tickets has to be asked before the attendee is saved, outside of the transaction."""

    def __init__(self, entry: checkin.Entry) -> None:
        super().__init__("new times")
        self.entry = entry


@asks_team
def update_attendee(attendee_id: str, body: dict[str, Any], token_info: Claims) -> flask.Response:
    """Personal data, by the buyer or those who run the event; check-in, by those at the door (RULES 26)."""
    incoming = attendees.read(body, partial=True)
    if incoming.id != attendee_id:
        raise BadRequest("The id is not that of the path.", code="id-mismatch", source={"pointer": "/data/id"})
    query = current_query()
    scan: checkin.Entry | None = None
    entered: tickets_pb2.ScanReply | None = None

    def work(db: Session) -> flask.Response:
        attendee, order, relations = _lock(db, attendee_id, token_info)
        attendees.require_unchanged(db, attendee, token_info)
        entry: checkin.Entry | None = None
        is_at_door = policy.may(Operation.CHECK_IN, relations)
        if not is_at_door:
            policy.require(Operation.EDIT_ATTENDEE, relations, seen_by=Operation.VIEW_ATTENDEE)
        elif entered is None:
            known = checkin.Known(attendee.checkin_times, attendee.checkout_times)
            entry = checkin.read_entry(incoming.values, known, clock.now())
        attending.change(db, attendee, order, _allowed(incoming.values, order, relations))
        if is_at_door:
            door, entries = (scan.door, len(scan.checkins)) if scan is not None else ("", 0)
            checkins.apply(db, attendee, incoming.values, incoming.related, entered, entries=entries, door=door)
        if entry is not None:
            db.flush()
            raise _AsksTheDoor(entry)  # last: what is refused here is not written down there
        return answered(db, attendees.document(db, attendee, token_info, query=query))

    try:
        return run(work)
    except _AsksTheDoor as asks:
        scan = asks.entry
    entered = clients.scan(checkins.scan_request(int(attendee_id), scan, token_info.user_id))
    return run(work)


@asks_team
def delete_attendee(attendee_id: str, token_info: Claims) -> flask.Response:
    """A loose one goes; one in an order stays: the order is cancelled, or the attendee refunded."""
    now = clock.now()

    def work(db: Session) -> flask.Response:
        attendee, _, relations = _lock(db, attendee_id, token_info)
        policy.require(Operation.DELETE_ATTENDEE, relations, seen_by=Operation.VIEW_ATTENDEE)
        attendees.require_unchanged(db, attendee, token_info)
        attending.remove(db, attendee, now)
        db.flush()
        return answered(db, {"meta": {"message": "The attendee was deleted."}, "jsonapi": {"version": "1.0"}})

    return run(work)


def list_attendees_of_event(event: str, token_info: Claims) -> flask.Response:
    """All attendees of an event that are in an order, for those at its door."""
    in_an_order = Attendee.order_id.is_not(None)
    return list_of_event(attendees, event, token_info, Operation.LIST_EVENT_ATTENDEES, in_an_order)


def list_attendees_of_ticket(ticket_id: str, token_info: Claims) -> flask.Response:
    """Attendees with a ticket type: of those, the ones that the caller may see."""
    with transaction() as db:
        return tagged(attendees.page(db, token_info, Attendee.ticket_id == int(ticket_id)))


def list_attendees_of_user(user_id: str, token_info: Claims) -> flask.Response:
    """Attendees that are this user."""
    return list_of_user(attendees, user_id, token_info, access.attendees_of_user)


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
    if kept.get("email") is not None:
        kept["email"] = people.as_accounts_writes(kept["email"])
    if "complex_field_values" in kept:
        kept["complex_field_values"] = forms.check_complex(kept["complex_field_values"])
    return kept


def _lock(db: Session, attendee_id: str, claims: Claims) -> tuple[Attendee, Order | None, frozenset[Relation]]:
    """Order first, then attendee: the lock order. And what the caller is to them; whoever calls this decides what that allows."""
    order = queries.lock_order_of_attendee(db, int(attendee_id))
    attendee, roles = queries.lock_attendee_with_roles(db, int(attendee_id), claims.user_id)
    if attendee.order_id != (order.id if order else None):
        raise attending.AttendeeTaken("This attendee is just being ordered.", headers={"Retry-After": "1"})
    return attendee, order, _relations(attendee, order, claims, roles)


def _relations(attendee: Attendee, order: Order | None, claims: Claims, roles: frozenset[str]) -> frozenset[Relation]:
    """What the caller is to an attendee: as a buyer of its order, or as who made it while it is loose."""
    address = (attendee.email or "").lower()
    return policy.relations(
        is_buyer=claims.user_id == (order.user_id if order is not None else attendee.creator_id),
        is_holder=order is not None and claims.is_verified and address == claims.email.lower(),
        roles=roles if order is not None else roles & policy.ROLES_OF_ADMINS,  # the door does not know loose ones
        is_server_admin=claims.is_admin,
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
