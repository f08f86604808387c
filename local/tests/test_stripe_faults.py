"""What goes wrong at the fake Stripe, exactly when asked."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
import requests
import stripe

from local.fakes.running import RunningFake
from local.tests.conftest import WEBHOOK_SECRET, stripe_client
from local.tests.receiver import Receiver, wait_until

CHARGE: stripe.params.ChargeCreateParams = {"amount": 1050, "currency": "eur", "source": "tok_visa"}


def charges(fake: RunningFake) -> int:
    return len(fake.books()["charges"])


def test_a_lost_answer_leaves_the_work_done(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/charges")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.charges.create(CHARGE)
    assert charges(stripe_fake) == 1
    assert stripe_fake.faults() == []
    client.v1.charges.create(CHARGE)


def test_a_reset_connection_leaves_nothing_done(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="reset", path="/v1/charges", count=2)
    for _ in range(2):
        with pytest.raises(stripe.APIConnectionError, match="reset by peer"):
            client.v1.charges.create(CHARGE)
    assert charges(stripe_fake) == 0
    client.v1.charges.create(CHARGE)


@pytest.mark.parametrize(("when", "done"), [("before", 0), ("after", 1)])
def test_an_error_comes_before_or_after_the_work(
    client: stripe.StripeClient, stripe_fake: RunningFake, when: str, done: int
) -> None:
    stripe_fake.fault(fault="error", path="/v1/charges", when=when, status=503)
    options: stripe.RequestOptions = {"idempotency_key": "order-7"}
    with pytest.raises(stripe.APIError) as failed:
        client.v1.charges.create(CHARGE, options)
    assert failed.value.http_status == 503
    assert charges(stripe_fake) == done
    client.v1.charges.create(CHARGE, options)
    assert charges(stripe_fake) == 1


@pytest.mark.parametrize(("when", "done"), [("before", 0), ("after", 1)])
def test_a_delay_comes_before_or_after_the_work_and_holds_up_nobody_else(
    client: stripe.StripeClient, stripe_fake: RunningFake, when: str, done: int
) -> None:
    stripe_fake.fault(fault="delay", path="/v1/charges", when=when, seconds=0.4)
    with ThreadPoolExecutor() as pool:
        began = time.monotonic()
        slow = pool.submit(client.v1.charges.create, CHARGE)
        wait_until(lambda: stripe_fake.faults() == [])
        assert charges(stripe_fake) == done
        assert time.monotonic() - began < 0.35
        assert slow.result().status == "succeeded"
        assert time.monotonic() - began >= 0.4


def test_a_good_card_declines_with_the_wanted_code(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="decline", path="/v1/charges", code="card_declined", decline_code="lost_card")
    with pytest.raises(stripe.CardError) as refused:
        client.v1.charges.create(CHARGE)
    assert refused.value.error is not None
    assert (refused.value.code, refused.value.error.decline_code) == ("card_declined", "lost_card")
    stripe_fake.fault(fault="decline", path="/v1/payment_intents/*/confirm", code="expired_card")
    intent = client.v1.payment_intents.create(
        {"amount": 100, "currency": "eur", "allowed_payment_method_types": ["card"]}
    )
    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert refused.value.code == "expired_card"


def test_a_refund_is_refused_on_demand(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    charge = client.v1.charges.create(CHARGE)
    stripe_fake.fault(fault="decline", path="/v1/refunds", code="insufficient_balance")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge.id})
    assert refused.value.code == "insufficient_balance"
    assert client.v1.charges.retrieve(charge.id).amount_refunded == 0


def test_faults_are_listed_skipped_and_withdrawn(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    first = stripe_fake.fault(fault="reset", path="/v1/charges", skip=1, count=None)
    stripe_fake.fault(fault="reset", path="/v1/refunds")
    client.v1.charges.create(CHARGE)
    for _ in range(3):
        with pytest.raises(stripe.APIConnectionError):
            client.v1.charges.create(CHARGE)
    open_fault = stripe_fake.faults()[0]
    assert (open_fault["id"], open_fault["skip"], open_fault["count"]) == (first, 0, None)
    requests.delete(f"{stripe_fake.url}/_control/faults/{first}", timeout=5)
    assert [fault["path"] for fault in stripe_fake.faults()] == ["/v1/refunds"]
    stripe_fake.clear_faults()
    assert stripe_fake.faults() == []


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"fault": "explode"},
        {"fault": "drop"},
        {"fault": "reset", "event": "*"},
        {"fault": "delay", "when": "sometimes"},
        {"fault": "delay", "tomorrow": True},
        {"fault": "reorder", "event": "*"},
    ],
)
def test_a_fault_that_nobody_understands_is_refused(stripe_fake: RunningFake, wish: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="error"):
        stripe_fake.fault(**wish)
    assert stripe_fake.faults() == []


def test_webhooks_are_signed_as_the_sdk_wants_them(client: stripe.StripeClient, receiver: Receiver) -> None:
    intent = client.v1.payment_intents.create(
        {
            "amount": 4900,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "metadata": {"order": "7", "who": "Zoë"},
        }
    )
    client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}, {"idempotency_key": "key-7"})
    client.v1.refunds.create({"payment_intent": intent.id})
    events = [
        stripe.Webhook.construct_event(webhook.body, webhook.headers["stripe-signature"], WEBHOOK_SECRET)
        for webhook in receiver.wait(5)
    ]
    assert sorted(event.type for event in events) == [
        "charge.refunded",
        "charge.succeeded",
        "payment_intent.created",
        "payment_intent.succeeded",
        "refund.created",
    ]
    paid = next(event for event in events if event.type == "payment_intent.succeeded")
    assert paid.data.object["id"] == intent.id
    assert paid.data.object["amount_received"] == 4900
    assert paid.data.object["metadata"].to_dict() == {"order": "7", "who": "Zoë"}
    assert paid.request is not None
    assert paid.request.idempotency_key == "key-7"
    assert client.v1.events.retrieve(paid.id).to_dict() == paid.to_dict()
    assert client.v1.events.list({"type": "payment_intent.*"}).data[0].id == paid.id
    first = receiver.received[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(
            first.body.replace(b"4900", b"4901"), first.headers["stripe-signature"], WEBHOOK_SECRET
        )


def test_a_failed_payment_is_told_too(client: stripe.StripeClient, receiver: Receiver) -> None:
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.create(
            {
                "amount": 4900,
                "currency": "usd",
                "allowed_payment_method_types": ["card"],
                "confirm": True,
                "payment_method": "pm_card_chargeDeclined",
            }
        )
    receiver.wait(3)
    assert sorted(receiver.types) == ["charge.failed", "payment_intent.created", "payment_intent.payment_failed"]


def test_a_webhook_comes_again_until_somebody_takes_it(
    client: stripe.StripeClient, stripe_fake: RunningFake, receiver: Receiver
) -> None:
    receiver.statuses += [500, 301]
    client.v1.charges.create(CHARGE)
    webhooks = receiver.wait(3)
    assert len({webhook.body for webhook in webhooks}) == 1
    pauses = [later.at - earlier.at for earlier, later in pairwise(webhooks)]
    assert 0.4 < pauses[0] < 0.9 < pauses[1] < 1.5
    wait_until(lambda: stripe_fake.webhooks()[0]["state"] == "delivered")
    assert (stripe_fake.webhooks()[0]["attempts"], stripe_fake.webhooks()[0]["status"]) == (3, 200)
    for webhook in webhooks:
        stripe.Webhook.construct_event(webhook.body, webhook.headers["stripe-signature"], WEBHOOK_SECRET, tolerance=5)


def test_a_dropped_webhook_never_comes_but_its_event_can_be_asked_for(
    client: stripe.StripeClient, stripe_fake: RunningFake, receiver: Receiver
) -> None:
    stripe_fake.fault(fault="drop", event="charge.succeeded")
    client.v1.charges.create(CHARGE)
    client.v1.charges.create(CHARGE)
    receiver.wait(1)
    assert stripe_fake.webhooks()[0]["state"] == "dropped"
    assert receiver.types == ["charge.succeeded"]
    assert [event.type for event in client.v1.events.list().data] == ["charge.succeeded"] * 2


def test_a_delayed_webhook_is_overtaken(
    client: stripe.StripeClient, stripe_fake: RunningFake, receiver: Receiver
) -> None:
    stripe_fake.fault(fault="delay", event="charge.succeeded", seconds=0.3)
    charge = client.v1.charges.create(CHARGE)
    client.v1.refunds.create({"charge": charge.id})
    receiver.wait(3)
    assert receiver.types[-1] == "charge.succeeded"


def test_a_duplicated_webhook_comes_several_times(
    client: stripe.StripeClient, stripe_fake: RunningFake, receiver: Receiver
) -> None:
    stripe_fake.fault(fault="duplicate", event="charge.*", times=2)
    client.v1.charges.create(CHARGE)
    assert len({webhook.body for webhook in receiver.wait(3)}) == 1


def test_only_wanted_events_are_delivered(tmp_path: Path, receiver: Receiver) -> None:
    options = ("--webhook-url", receiver.url, "--webhook-events", "charge.refunded,refund.*")
    with RunningFake("stripe", tmp_path, *options) as fake:
        client = stripe_client(fake)
        client.v1.refunds.create({"charge": client.v1.charges.create(CHARGE).id})
        receiver.wait(2)
        assert sorted(webhook["type"] for webhook in fake.webhooks()) == ["charge.refunded", "refund.created"]


def test_reordered_webhooks_come_last_one_first(
    client: stripe.StripeClient, stripe_fake: RunningFake, receiver: Receiver
) -> None:
    stripe_fake.fault(fault="reorder", event="*", count=3)
    charge = client.v1.charges.create(CHARGE)
    time.sleep(0.1)
    assert receiver.received == []
    client.v1.refunds.create({"charge": charge.id})
    receiver.wait(3)
    assert receiver.types == ["charge.refunded", "refund.created", "charge.succeeded"]


def test_a_held_webhook_goes_out_when_its_fault_is_withdrawn(
    client: stripe.StripeClient, stripe_fake: RunningFake, receiver: Receiver
) -> None:
    stripe_fake.fault(fault="reorder", event="*", count=9)
    client.v1.charges.create(CHARGE)
    assert [webhook["state"] for webhook in stripe_fake.webhooks()] == ["held"]
    stripe_fake.clear_faults()
    receiver.wait(1)
