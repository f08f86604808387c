"""What providers tell us by themselves. Signed, checked on the very bytes that came, applied once.

Good news (money arrived) is settled from the event itself; everything else only makes us ask sooner, because events come late,
twice and out of order, and what the provider says when asked is the truth.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import flask
import orjson
import stripe

from chassis import clock, db
from chassis.errors import BadRequest, NotFound
from chassis.responses import JSON, respond
from services.payments import config
from services.payments.clients import stripe_api
from services.payments.clients.accounts import accounts
from services.payments.commands import authorizations, hearing

log = logging.getLogger(__name__)

OLDEST_PAYPAL = timedelta(days=4)  # PayPal goes on trying for three days
NEWEST_PAYPAL = timedelta(minutes=5)


class SignatureInvalid(BadRequest):
    code = "signature-invalid"


def receive_stripe() -> flask.Response:
    """Events of the platform's account."""
    secrets = [part.strip() for part in config.current().stripe_webhook_secret.split(",") if part.strip()]
    event = _stripe_event(secrets)
    connected = event.get("account")  # a platform's endpoint may hear of its connected accounts, too
    return _hear_stripe(f"stripe/{connected}" if connected else "stripe", event)


def receive_stripe_of_organizer(random: str) -> flask.Response:
    """Events of an organizer's account, at the address that only this account was told."""
    with db.transaction() as session:
        linked = authorizations.of_webhook(session, random)
        secret = authorizations.webhook_secret(linked) if linked is not None else ""
    if linked is None or not secret:
        raise NotFound("There is no such webhook.")
    return _hear_stripe(linked.account, _stripe_event([secret]))


def receive_paypal() -> flask.Response:
    """Events of the platform's PayPal app, which PayPal itself confirms to have sent."""
    body = flask.request.get_data()
    paypal = accounts().paypal
    if paypal is None or not _is_fresh(flask.request.headers.get("Paypal-Transmission-Time", "")):
        raise SignatureInvalid("This webhook is not signed, or too old.")
    event = _document(body)
    if not paypal.verify_webhook(flask.request.headers, body, config.current().paypal_webhook_id):
        raise SignatureInvalid("This webhook was not sent by PayPal.")
    kind, resource = str(event.get("event_type", "")), event.get("resource") or {}
    event_id = str(event.get("id", ""))
    db.run(lambda session: hearing.hear_paypal(session, event_id, kind, resource))
    return _thanks()


def _stripe_event(secrets: Sequence[str]) -> Mapping[str, Any]:
    try:
        return stripe_api.read_event(
            flask.request.get_data(), flask.request.headers.get("Stripe-Signature", ""), secrets
        )
    except (stripe.SignatureVerificationError, ValueError):
        raise SignatureInvalid("This webhook is not signed by Stripe, or too old.") from None


def _hear_stripe(account: str, event: Mapping[str, Any]) -> flask.Response:
    kind, thing = str(event.get("type", "")), (event.get("data") or {}).get("object")
    if kind in stripe_api.EVENTS and isinstance(thing, dict):
        event_id = str(event.get("id", ""))
        db.run(lambda session: hearing.hear_stripe(session, account, event_id, kind, thing))
    return _thanks()


def _document(body: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError:
        event = None
    if not isinstance(event, dict):
        raise BadRequest("The body is not a JSON object.", code="malformed-json")
    return event


def _is_fresh(text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    age = clock.now() - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return -NEWEST_PAYPAL < age < OLDEST_PAYPAL


def _thanks() -> flask.Response:
    return respond({"received": True}, 200, media_type=JSON)
