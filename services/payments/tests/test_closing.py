"""Closing an attempt, and whatever arrives for it later: money wins."""

import orjson
import pytest
import stripe

from local.fakes.running import RunningFake
from proto.payments.payments_pb2 import PaymentCaptured, PaymentFailed
from services.payments import jobs
from services.payments.tests.conftest import Shop, approve, charges, make_due, rows, sales
from services.payments.tests.steps import browser_pays


def test_a_closed_intent_cannot_be_paid_any_more(shop: Shop, stripe_fake: RunningFake) -> None:
    payload = orjson.loads(shop.start().client_payload_json)
    assert shop.close().status == "closed"
    with pytest.raises(stripe.InvalidRequestError):
        browser_pays(stripe_fake, payload)
    assert charges(stripe_fake) == []
    assert shop.heard() == ["PaymentFailed"]


def test_closing_finds_that_it_was_paid_and_the_payment_wins(shop: Shop, stripe_fake: RunningFake) -> None:
    browser_pays(stripe_fake, orjson.loads(shop.start().client_payload_json))
    assert shop.close().status == "captured"
    assert shop.heard() == ["PaymentCaptured"]


def test_closing_what_is_paid_or_was_never_opened_says_how_it_stands(shop: Shop, stripe_fake: RunningFake) -> None:
    assert shop.close().status == "none"
    shop.charge()
    assert shop.close().status == "captured"


def test_closing_an_unknown_attempt_that_never_arrived_makes_sure_that_it_never_will(
    shop: Shop, stripe_fake: RunningFake
) -> None:
    stripe_fake.fault(fault="reset", method="POST", path="/v1/payment_intents", count=2)
    assert shop.charge().status == "unknown"
    assert shop.close().status == "closed"
    # The late request, as the network might still deliver it: its key is taken.
    key = rows("SELECT 'stagedoor-' || id FROM payments")[0][0]
    late = stripe.StripeClient("sk_test_platform", base_addresses={"api": stripe_fake.url}, max_network_retries=0)
    params = {"amount": 10710, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
    with pytest.raises(stripe.IdempotencyError):
        late.v1.payment_intents.create(params, {"idempotency_key": key})  # type: ignore[arg-type]
    assert charges(stripe_fake) == []


def test_closing_an_unknown_attempt_that_was_charged_is_captured(shop: Shop, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/payment_intents", count=2)
    assert shop.charge().status == "unknown"
    assert shop.close().status == "captured"
    assert charges(stripe_fake) == [("eur", 10710)]


def test_another_amount_closes_the_open_attempt_first(shop: Shop, stripe_fake: RunningFake) -> None:
    first = shop.start(amount=10710)
    second = shop.start(amount=5000)
    assert first.payment_id != second.payment_id
    assert rows("SELECT amount_minor, status FROM payments ORDER BY attempt") == [(10710, "closed"), (5000, "open")]
    assert [intent["status"] for intent in stripe_fake.books()["payment_intents"]] == [
        "canceled",
        "requires_payment_method",
    ]


def test_two_tabs_with_two_modes_end_in_one_payment(
    shop: Shop, stripe_fake: RunningFake, paypal_fake: RunningFake
) -> None:
    paypal = shop.start("paypal")
    approve(paypal)
    assert shop.charge("tok_visa").status == "captured"  # the other tab
    assert shop.charge_paypal().mode == "stripe"  # this tab learns that it is paid
    assert charges(stripe_fake) == [("eur", 10710)]
    assert sales(paypal_fake) == []


def test_changing_the_mode_finds_that_the_first_one_was_paid(
    shop: Shop, stripe_fake: RunningFake, paypal_fake: RunningFake
) -> None:
    browser_pays(stripe_fake, orjson.loads(shop.start().client_payload_json))
    state = shop.start("paypal")
    assert (state.mode, state.status) == ("stripe", "captured")
    assert paypal_fake.books()["payments"] == []


def test_a_closed_paypal_payment_is_never_executed(shop: Shop, paypal_fake: RunningFake) -> None:
    first = shop.start("paypal")
    approve(first)
    assert shop.close().status == "closed"
    second = shop.start("paypal")
    assert second.provider_reference != first.provider_reference
    approve(second)
    assert shop.charge_paypal().status == "captured"
    assert sales(paypal_fake) == [("EUR", "107.10")]


def test_money_that_arrives_for_a_closed_attempt_is_told_all_the_same(shop: Shop, paypal_fake: RunningFake) -> None:
    import requests

    first = shop.start("paypal")
    approve(first)
    shop.close()
    # Somebody executes it all the same: PayPal has no way to cancel.
    token = requests.post(
        f"{paypal_fake.url}/v1/oauth2/token",
        auth=("the-client", "the-secret"),
        data="grant_type=client_credentials",
        timeout=5,
    ).json()["access_token"]
    payment = requests.get(
        f"{paypal_fake.url}/v1/payments/payment/{first.provider_reference}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    ).json()
    requests.post(
        f"{paypal_fake.url}/v1/payments/payment/{first.provider_reference}/execute",
        json={"payer_id": payment["payer"]["payer_info"]["payer_id"]},
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    ).raise_for_status()
    jobs.compare_books()
    assert shop.heard() == ["PaymentFailed", "PaymentCaptured"]
    assert shop.last(PaymentCaptured).payment.payment_id == shop.last(PaymentFailed).payment.payment_id
    assert rows("SELECT status FROM payments") == [("captured",)]


def test_a_provider_that_does_not_answer_closes_nothing(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.start()
    stripe_fake.fault(fault="reset", method="POST", path="/v1/payment_intents/*/cancel", count=2)
    with pytest.raises(Exception, match="does not answer"):
        shop.close()
    assert rows("SELECT status, call_until FROM payments") == [("open", None)]
    make_due()
    assert shop.close().status == "closed"
