"""Webhooks: signed, applied once, in whatever order they come."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
import stripe

from chassis import clock
from chassis import db as database
from chassis.testing import Client
from local.fakes.running import RunningFake
from local.tests.receiver import Received, Receiver
from proto.payments.payments_pb2 import PaymentCaptured, PaymentRefunded
from services.payments import jobs
from services.payments.tests.conftest import WEBHOOK_SECRET, Shop, approve, charges, rows
from services.payments.tests.steps import ask, browser_pays, deliver, events


def pay_in_browser(shop: Shop, fake: RunningFake) -> None:
    browser_pays(fake, orjson.loads(shop.start().client_payload_json))


def test_a_webhook_completes_what_nobody_verified(client: Client, shop: Shop, stripe_fake: RunningFake) -> None:
    pay_in_browser(shop, stripe_fake)
    (body,) = events(stripe_fake, "payment_intent.succeeded")
    assert deliver(client, body).json() == {"received": True}
    said = shop.last(PaymentCaptured).payment
    assert (said.status, said.amount_minor, said.currency) == ("captured", 10710, "EUR")
    assert rows("SELECT status FROM payments") == [("captured",)]


def test_the_charges_own_event_brings_the_card(client: Client, shop: Shop, stripe_fake: RunningFake) -> None:
    pay_in_browser(shop, stripe_fake)
    (body,) = events(stripe_fake, "charge.succeeded")
    deliver(client, body)
    said = shop.last(PaymentCaptured).payment
    assert (said.card.last4, said.transaction_id[:3]) == ("4242", "ch_")


@pytest.mark.parametrize("order", [1, -1])
def test_all_events_twice_in_any_order_capture_once(
    client: Client, shop: Shop, stripe_fake: RunningFake, order: int
) -> None:
    pay_in_browser(shop, stripe_fake)
    bodies = events(stripe_fake)[::order]
    assert {deliver(client, body).status_code for body in [*bodies, *bodies]} == {200}
    assert shop.heard() == ["PaymentCaptured"]
    assert rows("SELECT count(*) FROM ledger_transfers") == [(1,)]


def test_a_webhook_for_a_payment_whose_answer_was_lost_settles_it(
    client: Client, shop: Shop, stripe_fake: RunningFake
) -> None:
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/payment_intents", count=2)
    assert shop.charge().status == "unknown"
    deliver(client, events(stripe_fake, "charge.succeeded")[0])
    state = shop.charge()
    assert (state.status, state.provider_reference[:3], state.card.last4) == ("captured", "pi_", "4242")
    assert charges(stripe_fake) == [("eur", 10710)]
    assert shop.heard() == ["PaymentCaptured"]


def test_an_old_failure_that_comes_late_undoes_nothing(client: Client, shop: Shop, stripe_fake: RunningFake) -> None:
    payload = orjson.loads(shop.start().client_payload_json)
    with pytest.raises(stripe.CardError):
        browser_pays(stripe_fake, payload, "pm_card_visa_chargeDeclined")
    browser_pays(stripe_fake, payload)
    assert shop.verify().status == "captured"
    for body in events(stripe_fake, "payment_intent.payment_failed"):
        deliver(client, body)
    assert (shop.verify().status, shop.heard()) == ("captured", ["PaymentCaptured"])


def test_bad_news_only_makes_us_ask(client: Client, shop: Shop, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/payment_intents", count=2)
    assert shop.charge("tok_chargeDeclined").status == "unknown"
    deliver(client, events(stripe_fake, "payment_intent.payment_failed")[0])
    assert rows("SELECT status, ask_at <= now() FROM payments") == [("unknown", True)]
    jobs.settle_attempts()
    assert (shop.verify().status, shop.heard()) == ("declined", ["PaymentFailed"])


@pytest.mark.parametrize("how", [{"secret": "whsec_wrong"}, {"age_seconds": 3600}])
def test_a_wrong_or_old_signature_is_400_and_nothing_is_stored(
    client: Client, shop: Shop, stripe_fake: RunningFake, how: dict[str, Any]
) -> None:
    pay_in_browser(shop, stripe_fake)
    answer = deliver(client, events(stripe_fake, "payment_intent.succeeded")[0], **how)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "signature-invalid")
    assert rows("SELECT 1 FROM provider_events") == []
    assert shop.heard() == []


def test_without_a_signature_or_with_a_changed_body_it_is_400(
    client: Client, shop: Shop, stripe_fake: RunningFake
) -> None:
    pay_in_browser(shop, stripe_fake)
    (body,) = events(stripe_fake, "payment_intent.succeeded")
    assert (
        client.request(
            "POST", "/v1/webhooks/stripe", content=body, headers={"Content-Type": "application/json"}
        ).status_code
        == 400
    )
    signature = stripe.WebhookSignature.generate_signature_header(body.decode(), WEBHOOK_SECRET)
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
    changed = body.replace(b"10710", b"00001")
    assert client.request("POST", "/v1/webhooks/stripe", content=changed, headers=headers).status_code == 400
    assert shop.heard() == []


def test_unknown_events_and_other_peoples_payments_are_acknowledged(client: Client, stripe_fake: RunningFake) -> None:
    unknown = {"id": "evt_1", "object": "event", "type": "customer.created", "data": {"object": {"id": "cus_1"}}}
    assert deliver(client, orjson.dumps(unknown)).status_code == 200
    intent = {
        "id": "pi_x",
        "currency": "eur",
        "amount_received": 5,
        "status": "succeeded",
        "metadata": {},
        "latest_charge": "ch_x",
    }
    foreign = {"id": "evt_2", "object": "event", "type": "payment_intent.succeeded", "data": {"object": intent}}
    assert deliver(client, orjson.dumps(foreign)).status_code == 200
    assert rows("SELECT id FROM provider_events") == [("evt_2",)]


def test_an_event_that_could_not_be_applied_is_not_remembered(
    client: Client, shop: Shop, stripe_fake: RunningFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.payments.commands import hearing

    pay_in_browser(shop, stripe_fake)
    (body,) = events(stripe_fake, "charge.succeeded")
    with monkeypatch.context() as patched:
        patched.setattr(hearing, "settle", lambda *_, **__: 1 / 0)
        assert deliver(client, body).status_code == 500
    assert rows("SELECT 1 FROM provider_events") == []
    assert deliver(client, body).status_code == 200
    assert shop.heard() == ["PaymentCaptured"]


def test_an_event_is_applied_once_however_often_it_comes(
    client: Client, shop: Shop, stripe_fake: RunningFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.payments.commands import hearing

    applied: list[Any] = []
    monkeypatch.setattr(hearing, "settle", lambda *_, **__: applied.append(1))
    pay_in_browser(shop, stripe_fake)
    (body,) = events(stripe_fake, "charge.succeeded")
    assert [deliver(client, body).status_code for _ in range(3)] == [200, 200, 200]
    assert applied == [1]


def test_a_refund_that_bounces_days_later_is_taken_back(client: Client, shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge("pm_card_refundFail")
    ask(shop)
    jobs.carry_out_refunds()
    assert shop.last(PaymentRefunded).status == "succeeded"
    (body,) = events(stripe_fake, "refund.failed")
    deliver(client, body)
    deliver(client, body)
    said = shop.last(PaymentRefunded)
    assert (said.status, said.payment.status) == ("failed", "captured")
    assert rows("SELECT refunded_minor FROM payments") == [(0,)]
    assert shop.heard() == ["PaymentCaptured", "PaymentRefunded", "PaymentRefunded"]


def test_a_webhook_settles_a_refund_whose_answer_was_lost(client: Client, shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge()
    ask(shop)
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/refunds", count=2)
    jobs.carry_out_refunds()
    deliver(client, events(stripe_fake, "refund.created")[0])
    assert shop.last(PaymentRefunded).status == "succeeded"
    jobs.carry_out_refunds()
    assert shop.heard() == ["PaymentCaptured", "PaymentRefunded"]


def carry(client: Client, webhook: Received, **changes: str) -> Any:
    """PayPal's webhook, as it came, on its way to the service."""
    kept = {name: value for name, value in webhook.headers.items() if name.startswith("paypal-")}
    headers = {**kept, "content-type": "application/json", **changes}
    return client.request("POST", "/v1/webhooks/paypal", content=webhook.body, headers=headers)


def sale_webhook(shop: Shop, fake: RunningFake, mailbox: Receiver) -> Received:
    """A sale of which we have only the webhook: the answer and the look after it were lost."""
    approve(shop.start("paypal"))
    fake.fault(fault="lose-answer", method="POST", path="*/execute")
    fake.fault(fault="reset", method="GET", path="/v1/payments/payment/*", skip=1, count=1)
    assert shop.charge_paypal().status == "unknown"
    return next(webhook for webhook in mailbox.wait(2) if webhook.type == "PAYMENT.SALE.COMPLETED")


def test_paypals_webhook_settles_what_nobody_knows(
    client: Client, shop: Shop, paypal_fake: RunningFake, mailbox: Receiver
) -> None:
    webhook = sale_webhook(shop, paypal_fake, mailbox)
    assert carry(client, webhook).status_code == 200
    assert carry(client, webhook).status_code == 200
    assert shop.heard() == ["PaymentCaptured"]
    assert rows("SELECT status, captured_minor FROM payments") == [("captured", 10710)]


@pytest.mark.parametrize(
    "changes",
    [
        {"paypal-transmission-sig": "d3Jvbmc="},
        {"paypal-cert-url": "https://evil.example.com/cert.pem"},
        {"paypal-transmission-id": "another"},
        {"paypal-transmission-time": "2020-01-01T00:00:00Z"},
        {"paypal-transmission-time": "soon"},
    ],
)
def test_what_paypal_did_not_send_is_400_and_nothing_is_stored(
    client: Client, shop: Shop, paypal_fake: RunningFake, mailbox: Receiver, changes: dict[str, str]
) -> None:
    webhook = sale_webhook(shop, paypal_fake, mailbox)
    answer = carry(client, webhook, **changes)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "signature-invalid")
    assert rows("SELECT 1 FROM provider_events") == []
    assert shop.heard() == []


def test_a_paypal_that_cannot_confirm_now_gets_503_and_sends_again(
    client: Client, shop: Shop, paypal_fake: RunningFake, mailbox: Receiver
) -> None:
    webhook = sale_webhook(shop, paypal_fake, mailbox)
    paypal_fake.fault(fault="error", method="POST", path="*/verify-webhook-signature", status=503)
    assert carry(client, webhook).status_code == 503
    assert carry(client, webhook).status_code == 200
    assert shop.heard() == ["PaymentCaptured"]


def test_old_event_ids_are_forgotten(client: Client, shop: Shop, stripe_fake: RunningFake) -> None:
    pay_in_browser(shop, stripe_fake)
    deliver(client, events(stripe_fake, "charge.succeeded")[0])
    with database.transaction() as session:
        session.connection().exec_driver_sql(
            "UPDATE provider_events SET received_at = %s", (clock.now() - timedelta(days=91),)
        )
    jobs.tidy_up()
    assert rows("SELECT 1 FROM provider_events") == []
