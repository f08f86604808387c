"""Events, and the signed webhooks that carry them to whoever registered an endpoint."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import orjson

from local.fakes.answers import Answer
from local.fakes.books import Document
from local.fakes.deliveries import Deliveries, Delivery, Subscription
from local.fakes.stripe.caller import API_VERSION, PLATFORM, StripeCall, new_id
from local.fakes.stripe.documents import PAGING, answer, find, listed
from local.fakes.stripe.errors import missing_param, refuse_unknown


@dataclass(frozen=True)
class Publisher:
    """Events of every account go to the endpoint of the command line, and to those that their account registered."""

    deliveries: Deliveries
    subscription: Subscription | None

    def publish(self, call: StripeCall, event_type: str, thing: Document, previous: Document | None) -> None:
        data: Document = {"object": thing, **({"previous_attributes": previous} if previous else {})}
        event: Document = {
            "id": new_id("evt"), "object": "event", "api_version": API_VERSION, "created": call.now, "data": data,
            "livemode": False, "pending_webhooks": 1,
            "request": {"id": call.request_id, "idempotency_key": call.idempotency_key}, "type": event_type,
            **({"account": call.account} if call.account != PLATFORM else {}),
        }  # fmt: skip
        call.keep(event)
        body = orjson.dumps(event)
        for subscription in self._subscriptions(call):
            self.deliveries.add(event["id"], event_type, body, subscription)

    def _subscriptions(self, call: StripeCall) -> list[Subscription]:
        registered = [
            Subscription(endpoint["url"], endpoint["secret"], endpoint["enabled_events"])
            for endpoint in call.books.listed("webhook_endpoint", call.account)
        ]
        return registered + ([self.subscription] if self.subscription else [])


def sign(delivery: Delivery) -> Mapping[str, str]:
    """Stripe-Signature: HMAC-SHA256 over the time of sending and the exact bytes."""
    moment = int(time.time())
    digest = hmac.new(delivery.secret.encode(), f"{moment}.".encode() + delivery.body, hashlib.sha256).hexdigest()
    return {
        "Stripe-Signature": f"t={moment},v1={digest}",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }


def retrieve_event(call: StripeCall) -> Answer:
    return answer(call, find(call, "event"))


def list_events(call: StripeCall) -> Answer:
    refuse_unknown(call.params, PAGING | {"type", "types", "delivery_success"})
    types = call.params.get("types") or [call.params.get("type", "*")]
    return listed(
        call, "event", "/v1/events", lambda event: any(fnmatchcase(event["type"], wanted) for wanted in types)
    )


def create_endpoint(call: StripeCall) -> Answer:
    """Its secret is told once, here."""
    refuse_unknown(
        call.params, {"url", "enabled_events", "description", "metadata", "api_version", "connect", "expand"}
    )
    for name in ("url", "enabled_events"):
        if not call.params.get(name):
            raise missing_param(name)
    endpoint = {
        "id": new_id("we"), "object": "webhook_endpoint", "api_version": call.params.get("api_version"),
        "application": None, "created": call.now, "description": call.params.get("description"),
        "enabled_events": call.params["enabled_events"], "livemode": False, "metadata": call.params.get("metadata", {}),
        "secret": new_id("whsec"), "status": "enabled", "url": call.params["url"],
    }  # fmt: skip
    call.keep(endpoint)
    return answer(call, endpoint)


def retrieve_endpoint(call: StripeCall) -> Answer:
    return answer(call, _public(find(call, "webhook_endpoint")))


def list_endpoints(call: StripeCall) -> Answer:
    return listed(call, "webhook_endpoint", "/v1/webhook_endpoints", shown=_public)


def delete_endpoint(call: StripeCall) -> Answer:
    endpoint = find(call, "webhook_endpoint")
    call.books.remove("webhook_endpoint", endpoint["id"])
    return Answer(200, {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True})


def _public(endpoint: Document) -> Document:
    return {name: value for name, value in endpoint.items() if name != "secret"}
