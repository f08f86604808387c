"""What tests of payments have in common: a browser that pays, webhooks, refunds, accounts that are linked, callers at once."""

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
import stripe
from prometheus_client import REGISTRY

from chassis import db as database
from chassis.errors import DomainError
from chassis.testing import Client
from local.fakes.running import RunningFake
from proto.orders.orders_pb2 import RefundRequested
from services.payments import consumers, jobs
from services.payments.tests.conftest import ORGANIZER, WEBHOOK_SECRET, Shop, rows


def browser_pays(fake: RunningFake, payload: dict[str, str], method: str = "pm_card_visa") -> None:
    """What stripe.js does with a publishable key and the client secret."""
    client = stripe.StripeClient("pk_test_platform", base_addresses={"api": fake.url}, max_network_retries=0)
    params = {"client_secret": payload["client_secret"], "payment_method": method}
    client.v1.payment_intents.confirm(payload["id"], params)  # type: ignore[arg-type]


def events(fake: RunningFake, *types: str) -> list[bytes]:
    """The bodies that Stripe would send, in the order of their causes."""
    found = [event for event in fake.books()["events"] if not types or event["type"] in types]
    return [orjson.dumps({name: value for name, value in event.items() if name != "_account"}) for event in found]


def deliver(client: Client, body: bytes, *, secret: str = WEBHOOK_SECRET, age_seconds: int = 0, path: str = "") -> Any:
    signature = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(time.time()) - age_seconds)
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json; charset=utf-8"}
    return client.request("POST", f"/v1/webhooks/stripe{path}", content=body, headers=headers)


def ask(shop: Shop, key: str = "cancel-1", *, amount: int = 0, payment: str = "") -> None:
    """What the inbox does with the message."""
    message = RefundRequested(
        refund_key=key, order_identifier=shop.order, payment_id=payment, amount_minor=amount, currency="EUR"
    )
    with database.transaction() as session:
        consumers.plan_refund(session, message)


def refund_ids() -> list[UUID]:
    return [row[0] for row in rows("SELECT id FROM refunds WHERE status = 'pending'")]


def unmatched() -> int:
    jobs.compare_books()
    return int(jobs.unmatched_payments._value.get())


def document(code: str = "ac_test_1", event: int = 7, attributes: dict[str, str] | None = None) -> dict[str, Any]:
    given = attributes or {"stripe-auth-code": code, "stripe-publishable-key": "pk_ignored"}
    relationships = {"event": {"data": {"type": "event", "id": str(event)}}}
    return {"data": {"type": "stripe-authorization", "attributes": given, "relationships": relationships}}


def link(client: Client, user: int = ORGANIZER, **what: Any) -> Any:
    return client.as_user(user).post("/v1/stripe-authorizations", json=document(**what))


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each of them answers, or raises."""
    barrier = threading.Barrier(len(works))
    answers: list[Any] = [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            answers[place] = work()
        except DomainError as error:
            answers[place] = error

    threads = [threading.Thread(target=run, args=(place, work)) for place, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def calls_to(provider: str, operation: str) -> float:
    """How often this process has asked the provider for that, whatever came of it."""
    samples = (sample for metric in REGISTRY.collect() for sample in metric.samples)
    return sum(
        sample.value
        for sample in samples
        if sample.name == "provider_call_seconds_count"
        and (sample.labels["provider"], sample.labels["operation"]) == (provider, operation)
    )
