"""Discount codes of both kinds: for tickets (co-organizers), and for the event itself (server admins)."""

from collections.abc import Collection
from typing import Any

import flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.errors import Forbidden, NotFound
from chassis.idempotency import answered
from chassis.jsonapi import Resource, tagged
from services.events import catalogue, clients, promises, queries
from services.events.api.events import events
from services.events.api.of_event import SPEC, requires
from services.events.api.tickets import tickets
from services.events.models import DiscountCode, Event, Ticket, discount_code_tickets

Values = dict[str, Any]


def _before_create(db: Session, claims: Claims, values: Values, related: Values) -> None:
    wanted = related.pop("events", None) or [None]
    related["event"] = related.get("event") or wanted[0]
    is_of_event = values["used_for"] == "event"
    if is_of_event and not claims.is_admin:
        raise Forbidden("Only a server admin gives an event its discount code.", code="role-required")
    event = queries.event_for(db, claims, related["event"], "coorganizer", lock=is_of_event)
    if is_of_event:
        catalogue.check_only_event_code(db, event.id)
    catalogue.prepare_discount_code(db, event, None, values, related)


def _before_update(db: Session, _claims: Claims, row: DiscountCode, values: Values, related: Values) -> None:
    related.pop("events", None)
    catalogue.prepare_discount_code(db, queries.event_of(db, row), row, values, related)


def _may(db: Session, claims: Claims, row: DiscountCode) -> None:
    if row.used_for == "event" and not claims.is_admin:
        raise Forbidden("Only a server admin changes the discount code of an event.", code="role-required")
    queries.require(db, claims, row.event_id, "coorganizer")


discount_codes = Resource(
    "discount-code",
    DiscountCode,
    spec=SPEC,
    visible=queries.visible_discount_codes,
    before_create=_before_create,
    before_update=_before_update,
    may_create=_may,
    may_change=_may,
)

list_discount_codes, get_discount_code = discount_codes.fetch_page, discount_codes.fetch
create_discount_code = discount_codes.create
update_discount_code = promises.kept(discount_codes.update)
delete_discount_code = promises.kept(discount_codes.delete)
get_marketer_of_discount_code = discount_codes.fetch_related("marketer")
_get_event_of_visible_code = discount_codes.fetch_related("event")
list_discount_codes_of_event = events.fetch_related("discount-codes", may=requires("coorganizer"))


def create_discount_code_of_event(
    identifier: str, body: Any = None, token_info: Claims | None = None
) -> flask.Response:
    """POST under an event: the path names the event."""
    with transaction() as db:
        event = events.find(db, identifier, token_info)
    data = {**body["data"]}
    data["relationships"] = {
        **(data.get("relationships") or {}),
        "event": {"data": {"type": "event", "id": str(event.id)}},
    }
    answer: flask.Response = discount_codes.create(body={**body, "data": data}, token_info=token_info)
    return answer


def delete_unused_discount_codes(identifier: str, token_info: Claims) -> flask.Response:
    """DELETE of all ticket codes of an event that no order names, in one commit.

    A code that is used for the first time between the question and the commit goes too, as by a DELETE of its own: the
    order that used it keeps its price.
    """
    with transaction() as db:
        event = events.find(db, identifier, token_info)
        queries.require(db, token_info, event.id, "coorganizer")
    return _delete_all_but(clients.used_codes_of_event(event.id), event.id)


@promises.kept
def _delete_all_but(used: Collection[int], event_id: int) -> flask.Response:
    def work(db: Session) -> flask.Response:
        found = select(DiscountCode).where(
            DiscountCode.event_id == event_id,
            DiscountCode.used_for == "ticket",
            DiscountCode.deleted_at.is_(None),
            DiscountCode.id.not_in(used),
        )
        rows = db.scalars(found.order_by(DiscountCode.id).with_for_update()).all()
        for row in rows:
            row.deleted_at = clock.now()
        with db.no_autoflush:
            promises.check(db, *rows)
        db.flush()
        sentence = f"Unused discount codes that were deleted: {len(rows)}."
        return answered(db, {"meta": {"message": sentence, "count": len(rows)}, "jsonapi": {"version": "1.0"}})

    return run(work)


def list_events_of_discount_code(id_: str, token_info: Claims | None = None) -> flask.Response:
    """The events that a code is for: there is one."""
    with transaction() as db:
        code = discount_codes.find(db, id_, token_info)
        return tagged(events.page(db, token_info, Event.id == code.event_id))


def get_event_of_discount_code(id_: str, token_info: Claims | None = None) -> flask.Response:
    """The event that a code is for, as far as the caller may see it: buyers' clients follow this link of a code."""
    of_code = select(DiscountCode.event_id).where(
        DiscountCode.id == int(id_), DiscountCode.used_for == "ticket", DiscountCode.deleted_at.is_(None)
    )
    with transaction() as db:
        event_id = db.scalar(of_code)
    if event_id is None:
        answer: flask.Response = _get_event_of_visible_code(id_=id_, token_info=token_info)
    else:
        answer = events.fetch(identifier=str(event_id), token_info=token_info)
    return answer


def list_tickets_of_discount_code(id_: str, token_info: Claims | None = None) -> flask.Response:
    """The tickets that a code is for, as far as the caller may see them."""
    with transaction() as db:
        of_code = select(discount_code_tickets.c.ticket_id).where(discount_code_tickets.c.discount_code_id == int(id_))
        return tagged(tickets.page(db, token_info, Ticket.id.in_(of_code)))


def get_discount_code_by_text(identifier: str, code: str, token_info: Claims | None = None) -> flask.Response:
    """What a buyer typed: 404 when the event has no such code, 405 when it cannot be used now."""
    with transaction() as db:
        event = events.find(db, identifier, token_info)
        found = catalogue.code_by_text(db, DiscountCode, event.id, code)
        if found is None or found.used_for != "ticket":
            raise NotFound("This event has no such discount code.")
        catalogue.check_usable(found, event, clock.now())
        return tagged(discount_codes.document(db, found, token_info))


def get_discount_code_of_event(identifier: str, token_info: Claims | None = None) -> flask.Response:
    """The code of the event itself."""
    return discount_codes.fetch(token_info=token_info, id=_of_event(identifier, token_info))


def update_discount_code_of_event(
    identifier: str, body: Any = None, token_info: Claims | None = None
) -> flask.Response:
    """PATCH of the code of the event itself."""
    return update_discount_code(body=body, token_info=token_info, id=_of_event(identifier, token_info))


def delete_discount_code_of_event(identifier: str, token_info: Claims | None = None) -> flask.Response:
    """DELETE of the code of the event itself."""
    return delete_discount_code(token_info=token_info, id=_of_event(identifier, token_info))


def _of_event(identifier: str, claims: Claims | None) -> str:
    with transaction() as db:
        event = events.find(db, identifier, claims)
        found = db.scalar(
            select(DiscountCode.id).where(
                DiscountCode.event_id == event.id, DiscountCode.used_for == "event", DiscountCode.deleted_at.is_(None)
            )
        )
    if found is None:
        raise NotFound("This event has no discount code of its own.")
    return str(found)
