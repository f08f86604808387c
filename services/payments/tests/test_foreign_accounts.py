"""A signature proves which account an event comes from. Whoever owns that account decides nothing about another's payments."""

import time
from typing import Any

import orjson
import pytest
import stripe

from chassis import db as database
from chassis.testing import Client
from local.fakes.running import RunningFake
from proto.payments.payments_pb2 import PaymentRefunded
from services.payments import jobs
from services.payments.tests.conftest import Shop, charges, rows
from services.payments.tests.steps import ask, browser_pays, deliver, events, link, refund_ids, unmatched

ELSEWHERE = 8  # an event whose money goes to the platform's account


@pytest.fixture
def endpoint(client: Client, world: RunningFake) -> Any:
    """Of the organizer of event 7, who knows its secret."""
    link(client)
    (made,) = world.books()["webhook_endpoints"]
    return made


def said(shop: Shop) -> list[str]:
    """What was said of payments."""
    return [name for name in shop.heard() if name.startswith("Payment")]


def forge(client: Client, endpoint: Any, kind: str, thing: dict[str, Any]) -> None:
    body = orjson.dumps(
        {"id": f"evt_{time.monotonic_ns()}", "object": "event", "type": kind, "data": {"object": thing}}
    )
    path = endpoint["url"].partition("/v1/webhooks/stripe")[2]
    assert deliver(client, body, secret=endpoint["secret"], path=path).status_code == 200


def money(reference: str, payment_id: str = "") -> dict[str, Any]:
    return {
        "id": reference, "object": "payment_intent", "currency": "eur", "amount_received": 10710, "status": "succeeded",
        "metadata": {"payment_id": payment_id}, "latest_charge": "ch_forged",
    }  # fmt: skip


@pytest.mark.parametrize("by", ["reference", "payment id"])
def test_an_organizer_cannot_say_that_a_strangers_order_is_paid(
    client: Client, endpoint: Any, shop: Shop, stripe_fake: RunningFake, by: str
) -> None:
    state = shop.start(event_id=ELSEWHERE)
    thing = money(state.provider_reference) if by == "reference" else money("pi_own", state.payment_id)
    forge(client, endpoint, "payment_intent.succeeded", thing)
    assert rows("SELECT status, captured_minor FROM payments") == [("open", 0)]
    assert (said(shop), charges(stripe_fake)) == ([], [])


@pytest.mark.parametrize("is_asked", [False, True])
def test_an_organizer_cannot_say_that_a_strangers_money_went_back(
    client: Client, endpoint: Any, shop: Shop, stripe_fake: RunningFake, is_asked: bool
) -> None:
    """Neither of their own accord nor in the name of a refund that is under way."""
    thing = {"id": "re_forged", "object": "refund", "currency": "eur", "amount": 10710, "status": "succeeded"}
    state = shop.charge(event_id=ELSEWHERE)
    if is_asked:
        ask(shop)
        (refund_id,) = refund_ids()
        thing |= {"payment_intent": "pi_own", "metadata": {"refund_id": str(refund_id)}}
    else:
        thing |= {"payment_intent": state.provider_reference, "metadata": {}}
    forge(client, endpoint, "refund.created", thing)
    assert rows("SELECT refunded_minor FROM payments") == [(0,)]
    if not is_asked:
        ask(shop)
    jobs.carry_out_refunds()
    assert [made["amount"] for made in stripe_fake.books()["refunds"]] == [10710]
    assert shop.last(PaymentRefunded).status == "succeeded"


@pytest.mark.usefixtures("paypal_fake")  # whose books are compared as well
def test_a_charge_in_an_organizers_books_settles_no_payment_of_others(
    client: Client, endpoint: Any, shop: Shop, stripe_fake: RunningFake
) -> None:
    state = shop.start(event_id=ELSEWHERE)
    theirs = stripe.StripeClient(
        "sk_test_theirs",
        stripe_account=endpoint["_account"],
        base_addresses={"api": stripe_fake.url},
        max_network_retries=0,
    )
    paid: dict[str, Any] = {"amount": 10710, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}
    paid |= {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    theirs.v1.payment_intents.create({**paid, "metadata": {"payment_id": state.payment_id}})  # type: ignore[typeddict-item]
    assert unmatched() == 0
    assert rows("SELECT status, captured_minor FROM payments") == [("open", 0)]
    assert said(shop) == []


def test_an_event_that_came_to_the_wrong_endpoint_first_still_counts_at_the_right_one(
    client: Client, endpoint: Any, shop: Shop, stripe_fake: RunningFake
) -> None:
    """As where an organizer has linked the platform's own account: Stripe tells both endpoints."""
    browser_pays(stripe_fake, orjson.loads(shop.start(event_id=ELSEWHERE).client_payload_json))
    (body,) = events(stripe_fake, "payment_intent.succeeded")
    deliver(client, body, secret=endpoint["secret"], path=endpoint["url"].partition("/v1/webhooks/stripe")[2])
    assert said(shop) == []
    deliver(client, body)
    assert said(shop) == ["PaymentCaptured"]


def test_the_platforms_endpoint_may_hear_of_its_connected_accounts(
    client: Client, endpoint: Any, shop: Shop, stripe_fake: RunningFake
) -> None:
    state = shop.start()
    (account,) = rows("SELECT stripe_user_id FROM stripe_authorizations")[0]
    event = {"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "account": account}
    deliver(client, orjson.dumps({**event, "data": {"object": money(state.provider_reference)}}))
    assert said(shop) == ["PaymentCaptured"]


def test_a_payment_of_the_organizers_own_event_is_heard_of_at_their_endpoint(
    client: Client, endpoint: Any, shop: Shop
) -> None:
    state = shop.start()
    forge(client, endpoint, "payment_intent.succeeded", money(state.provider_reference))
    assert said(shop) == ["PaymentCaptured"]
    with database.transaction() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM provider_events").scalar() == 1
