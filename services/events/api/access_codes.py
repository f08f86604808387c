"""Access codes: they open hidden tickets."""

from typing import Any

import flask
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.db import transaction
from chassis.errors import NotFound
from chassis.jsonapi import Resource, tagged
from services.events import catalogue, promises, queries
from services.events.api.events import events
from services.events.api.of_event import SPEC, requires
from services.events.api.tickets import tickets
from services.events.models import AccessCode, Ticket, access_code_tickets

Values = dict[str, Any]


def _before_create(db: Session, claims: Claims, values: Values, related: Values) -> None:
    event = queries.event_for(db, claims, related.get("event"), "coorganizer")
    catalogue.prepare_access_code(db, event, None, values, related)


def _before_update(db: Session, _claims: Claims, row: AccessCode, values: Values, related: Values) -> None:
    catalogue.prepare_access_code(db, queries.event_of(db, row), row, values, related)


access_codes = Resource(
    "access-code",
    AccessCode,
    spec=SPEC,
    visible=queries.visible_access_codes,
    links={"tickets": "/v1/access-codes/{id}/tickets?code={code}"},
    before_create=_before_create,
    before_update=_before_update,
    may_create=requires("coorganizer"),
    may_change=requires("coorganizer"),
)

create_access_code, get_access_code = access_codes.create, access_codes.fetch
update_access_code = promises.kept(access_codes.update)
delete_access_code = promises.kept(access_codes.delete)
get_marketer_of_access_code = access_codes.fetch_related("marketer")
get_event_of_access_code = access_codes.fetch_related("event")
list_access_codes_of_event = events.fetch_related("access-codes", may=requires("coorganizer"))


def list_tickets_of_access_code(id_: str, token_info: Claims | None = None) -> flask.Response:
    """Its tickets, also hidden ones for whoever names the code (numbers can be guessed, codes cannot)."""
    named = flask.request.args.get("code", "")
    with transaction() as db:
        is_named = db.scalar(select(_is_called(int(id_), named)))
        if not is_named:
            access_codes.find(db, id_, token_info)
        of_code = select(access_code_tickets.c.ticket_id).where(access_code_tickets.c.access_code_id == int(id_))
        with queries.opened(of_code if is_named else None):
            return tagged(tickets.page(db, token_info, Ticket.id.in_(of_code)))


def _is_called(code_id: int, text: str) -> Any:
    return exists().where(
        AccessCode.id == code_id,
        AccessCode.deleted_at.is_(None),
        AccessCode.is_active,
        func.lower(AccessCode.code) == text.strip().lower(),
    )


def get_access_code_by_text(identifier: str, code: str, token_info: Claims | None = None) -> flask.Response:
    """What a buyer typed: 404 when the event has no such code."""
    with transaction() as db:
        event = events.find(db, identifier, token_info)
        found = catalogue.code_by_text(db, AccessCode, event.id, code)
        if found is None:
            raise NotFound("This event has no such access code.")
        return tagged(access_codes.document(db, found, token_info))
