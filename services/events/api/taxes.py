"""The tax of an event: one, and only where the event has tax switched on."""

from typing import Any

import flask
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.db import transaction
from chassis.errors import NotFound
from services.events import catalogue, queries
from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.models import Tax

Values = dict[str, Any]


def _prepare(db: Session, claims: Claims, row: Tax | None, values: Values, related: Values) -> None:
    for name in ("rate",):
        if name in values and values[name] is None:
            values[name] = 0
    if row is None:
        event = queries.event_for(db, claims, related["event"], "coorganizer", lock=True)
        catalogue.check_tax(db, event)


taxes = of_event("tax", Tax, prepare=_prepare, levels={"coorganizer": queries.runs(Tax.event_id)})

list_taxes, create_tax, get_tax = taxes.fetch_page, taxes.create, taxes.fetch
update_tax, delete_tax = taxes.update, taxes.delete
get_event_of_tax = taxes.fetch_related("event")
get_event_of_tax_too = taxes.fetch_related("event")
get_tax_of_event = events.fetch_related("tax")


def update_tax_of_event(identifier: str, body: Any = None, token_info: Claims | None = None) -> flask.Response:
    """PATCH of the tax that the event has."""
    return taxes.update(body=body, token_info=token_info, id=_of_event(identifier, token_info))


def delete_tax_of_event(identifier: str, token_info: Claims | None = None) -> flask.Response:
    """DELETE of the tax that the event has."""
    return taxes.delete(token_info=token_info, id=_of_event(identifier, token_info))


def _of_event(identifier: str, claims: Claims | None) -> str:
    with transaction() as db:
        event = events.find(db, identifier, claims)
        found = db.query(Tax.id).filter(Tax.event_id == event.id, Tax.deleted_at.is_(None)).scalar()
    if found is None:
        raise NotFound("This event has no tax.")
    return str(found)
