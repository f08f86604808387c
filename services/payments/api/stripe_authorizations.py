"""Stripe accounts of organizers. What anybody sees of one is its publishable key; secrets go in and never come out.

Two paths for one thing: the plural one takes the code that Stripe's OAuth page gave to the organizer, the older singular one
takes the keys themselves.
"""

from pathlib import Path
from typing import Any

import flask
from sqlalchemy import ColumnElement, select

from chassis import db, spec
from chassis.auth import Claims
from chassis.errors import BadRequest, Forbidden, NotFound, Unprocessable
from chassis.idempotency import answered
from chassis.jsonapi import Incoming, Resource, tagged
from services.payments import linking, queries
from services.payments.clients import events
from services.payments.commands import authorizations
from services.payments.domain.authorizations import Keys
from services.payments.domain.policy import ORGANIZER_AND_UP
from services.payments.models.event_roles import EventRole
from services.payments.models.stripe_authorizations import StripeAuthorization
from services.payments.permissions import require_organizer

Body = dict[str, Any]


class StripeNotEnabled(Forbidden):
    code = "stripe-not-enabled"


def _organizers(claims: Claims) -> ColumnElement[bool]:
    """The rows of events that the caller runs, as far as the replica knows."""
    runs_it = select(EventRole.id).where(
        EventRole.event_id == StripeAuthorization.event_id,
        EventRole.user_id == claims.user_id,
        EventRole.roles.overlap(sorted(ORGANIZER_AND_UP)),
    )
    return runs_it.exists()


SPEC = spec.load(Path(__file__).parent.parent / "openapi.yaml")
links = Resource("stripe-authorization", StripeAuthorization, spec=SPEC, levels={"organizer": _organizers})

get_stripe_authorization = links.fetch


def get_by_singular_path(id_: str, token_info: Claims) -> flask.Response:
    """As by the plural path."""
    answer: flask.Response = links.fetch(token_info=token_info, id=id_)
    return answer


def get_of_event(event_id: str, token_info: Claims) -> flask.Response:
    """The account of one event, by the event's number or identifier."""
    number = int(event_id) if event_id.isdigit() else events.get_event(event_id).id
    with db.transaction() as session:
        found = queries.authorization_of_event(session, number)
        if found is None:
            raise NotFound("This event has no Stripe account of its own.")
        document = links.document(session, found, token_info)
    return tagged(document)


def get_event_linkage(id_: str, token_info: Claims) -> flask.Response:
    """Which event it belongs to."""
    with db.transaction() as session:
        found = links.find(session, id_, token_info)
    base = f"/v1/stripe-authorizations/{found.id}"
    return tagged(
        {
            "data": {"type": "event", "id": str(found.event_id)},
            "links": {"self": f"{base}/relationships/event", "related": f"{base}/event"},
            "jsonapi": {"version": "1.0"},
        }
    )


def create_by_code(body: Body, token_info: Claims) -> flask.Response:
    """Links the account that an OAuth code stands for."""
    incoming = links.read(body)
    event_id = _event_to_link(incoming, token_info)
    return _link(event_id, linking.keys_of_code(_code(incoming)), token_info)


def create_by_keys(body: Body, token_info: Claims) -> flask.Response:
    """Links the account that a pair of keys opens."""
    incoming = links.read(body)
    event_id = _event_to_link(incoming, token_info)
    return _link(event_id, linking.verified(_keys(incoming)), token_info)


def update_by_code(id_: str, body: Body, token_info: Claims) -> flask.Response:
    """New keys by a new code. Without a code there is nothing to change."""
    incoming = links.read(body, partial=True)
    found = _to_change(id_, incoming, token_info)
    keys = linking.keys_of_code(_code(incoming)) if incoming.values.get("stripe_auth_code") else None
    return _change(found, keys, token_info)


def update_by_keys(id_: str, body: Body, token_info: Claims) -> flask.Response:
    """Another pair of keys. Without a secret key there is nothing to change."""
    incoming = links.read(body, partial=True)
    found = _to_change(id_, incoming, token_info)
    keys = linking.verified(_keys(incoming)) if incoming.values.get("stripe_secret_key") else None
    return _change(found, keys, token_info)


def delete_stripe_authorization(id_: str, token_info: Claims) -> flask.Response:
    """No new charge goes to this account; refunds of earlier ones still do."""
    with db.transaction() as session:
        event_id = links.find(session, id_, token_info).event_id
    require_organizer(event_id, token_info)
    with db.transaction() as session:
        authorizations.remove(session, links.find(session, id_, token_info, lock=True))
        document = {"meta": {"message": "Object successfully deleted"}, "jsonapi": {"version": "1.0"}}
        return answered(session, document, 200)


def delete_by_singular_path(id_: str, token_info: Claims) -> flask.Response:
    """As by the plural path."""
    return delete_stripe_authorization(id_, token_info)


def _event_to_link(incoming: Incoming, claims: Claims) -> int:
    """The event, asked for everything that speaks against it before the code is used up."""
    event_id = incoming.related.get("event")
    if event_id is None:
        raise Unprocessable(
            "Please name the event.", code="event-missing", source={"pointer": "/data/relationships/event"}
        )
    event = events.get_event(str(event_id))
    require_organizer(event.id, claims)
    if "stripe" not in event.payment_modes:
        raise StripeNotEnabled("This event does not take cards yet: set can-pay-by-stripe first.")
    with db.transaction() as session:
        authorizations.refuse_second(session, event.id)
    return event.id


def _to_change(value: str, incoming: Incoming, claims: Claims) -> StripeAuthorization:
    with db.transaction() as session:
        found = links.find(session, value, claims)
    if not links.matches_id(found, incoming.id):
        raise BadRequest(
            "The id in the body is not the id in the path.", code="id-mismatch", source={"pointer": "/data/id"}
        )
    require_organizer(found.event_id, claims)
    return found


def _link(event_id: int, keys: Keys, claims: Claims) -> flask.Response:
    with db.transaction() as session:
        made = authorizations.link(session, event_id, keys)
        answer = answered(session, links.document(session, made, claims), 201, {"Location": links.location(made)})
    linking.register_webhook(made)
    return answer


def _change(found: StripeAuthorization, keys: Keys | None, claims: Claims) -> flask.Response:
    with db.transaction() as session:
        linked = links.find(session, found.id, claims, lock=True)
        if keys is not None:
            authorizations.change(session, linked, keys)
        answer = answered(session, links.document(session, linked, claims), 200)
    if not linked.webhook_secret_sealed:
        linking.register_webhook(linked)
    return answer


def _code(incoming: Incoming) -> str:
    return str(incoming.values.get("stripe_auth_code") or "")


def _keys(incoming: Incoming) -> Keys:
    given = {name: str(value or "") for name, value in incoming.values.items()}
    return Keys(
        secret_key=given.get("stripe_secret_key", ""),
        publishable_key=given.get("stripe_publishable_key", ""),
        refresh_token=given.get("stripe_refresh_token", ""),
        email=given.get("stripe_email", ""),
    )
