"""Scanner apps at the door: a code in, who may come in out."""

from typing import Any

import flask

from chassis import clock
from chassis.auth import Claims
from chassis.db import run
from chassis.errors import Conflict, Forbidden, Unprocessable
from chassis.idempotency import answered
from chassis.responses import JSON
from services.tickets import access, commands, pages, queries
from services.tickets.domain.door import Kind, Passage, TicketRevoked
from services.tickets.domain.policy import works_at_door
from services.tickets.domain.qr import Code, ForgedCode


class Forged(Unprocessable):
    code = "ticket-forged"


class Superseded(Conflict):
    code = "ticket-superseded"


class NotStaff(Forbidden):
    code = "not-at-this-door"


KINDS: dict[str, Kind] = {"check-in": "in", "check-out": "out"}


def scan_ticket(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """Lets somebody in, or out. Refused: forged, superseded and void codes, a second entry, doors of other events."""
    try:
        code = pages.desk().keys.read(body["code"])
    except ForgedCode:
        raise Forged("This is not a ticket of ours.", source={"pointer": "/code"}) from None
    who = access.person(token_info)
    if not works_at_door(who, access.roles_of(who, code.event_id)):
        raise NotStaff("You do not work at the door of this event.")
    passage = Passage(clock.now(), KINDS[body.get("action", "check-in")], body.get("door", ""))
    return run(lambda db: _scan(db, code, passage, who.user_id))


def _scan(db: Any, code: Code, passage: Passage, scanned_by: int) -> flask.Response:
    present = queries.lock_ticket(db, code.attendee_id)
    if present is None or present.status != "valid" or present.serial != code.serial:
        raise TicketRevoked("This ticket is no longer valid.")
    if present.issue != code.issue:
        raise Superseded("This code was replaced by a newer one: the ticket has changed hands.")
    ticket, passages = commands.scan(db, code.attendee_id, [passage], scanned_by)
    document = {
        "attendee-id": ticket.attendee_id,
        "name": ticket.holder_name,
        "ticket": ticket.ticket_name,
        "serial": pages.serial_number(ticket.serial),
        "order-identifier": ticket.order_identifier,
        "checkin-times": [_written(each) for each in passages if each.kind == "in"],
        "checkout-times": [_written(each) for each in passages if each.kind == "out"],
    }
    return answered(db, document, media_type=JSON)


def _written(passage: Passage) -> str:
    return passage.at.strftime("%Y-%m-%dT%H:%M:%SZ")
