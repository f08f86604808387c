"""The flow of existing clients: the browser confirms the intent, `verify` or a webhook completes it."""

import orjson
import pytest
import stripe

from chassis.errors import Unprocessable
from local.fakes.running import RunningFake
from services.payments import jobs
from services.payments.tests.conftest import Shop, charges, make_due, rows
from services.payments.tests.steps import browser_pays


def test_starting_answers_the_intent_as_browsers_read_it(shop: Shop, stripe_fake: RunningFake) -> None:
    state = shop.start()
    payload = orjson.loads(state.client_payload_json)
    assert (payload["object"], payload["amount"], payload["status"]) == (
        "payment_intent",
        10710,
        "requires_payment_method",
    )
    assert payload["client_secret"].startswith(payload["id"])
    assert (state.status, state.provider_reference) == ("open", payload["id"])
    assert charges(stripe_fake) == []


def test_charging_without_a_token_is_that_flow(shop: Shop, stripe_fake: RunningFake) -> None:
    assert orjson.loads(shop.charge("").client_payload_json)["client_secret"]


def test_starting_again_answers_the_same_intent_with_its_secret(shop: Shop, stripe_fake: RunningFake) -> None:
    first, second = shop.start(), shop.start()
    assert first.payment_id == second.payment_id
    assert (
        orjson.loads(first.client_payload_json)["client_secret"]
        == orjson.loads(second.client_payload_json)["client_secret"]
    )
    assert len(stripe_fake.books()["payment_intents"]) == 1


def test_a_card_that_failed_in_the_browser_does_not_take_the_intent_away(shop: Shop, stripe_fake: RunningFake) -> None:
    """The page may be loaded anew: the same intent can be paid with another card (RULES 19)."""
    payload = orjson.loads(shop.start().client_payload_json)
    with pytest.raises(stripe.CardError):
        browser_pays(stripe_fake, payload, "pm_card_visa_chargeDeclined")
    for again in (shop.start(), shop.charge("")):
        assert orjson.loads(again.client_payload_json)["client_secret"] == payload["client_secret"]
    browser_pays(stripe_fake, payload)
    assert shop.verify().status == "captured"


def test_the_client_secret_is_never_stored(shop: Shop, stripe_fake: RunningFake) -> None:
    secret = orjson.loads(shop.start().client_payload_json)["client_secret"]
    assert secret not in str(rows("SELECT row_to_json(payments)::text FROM payments"))


def test_verify_settles_what_the_browser_paid(shop: Shop, stripe_fake: RunningFake) -> None:
    browser_pays(stripe_fake, orjson.loads(shop.start().client_payload_json))
    state = shop.verify()
    assert (state.status, state.card.last4) == ("captured", "4242")
    assert shop.verify().status == "captured"
    assert shop.heard() == ["PaymentCaptured"]


def test_reconciliation_settles_what_the_browser_paid_when_nobody_verifies(
    shop: Shop, stripe_fake: RunningFake
) -> None:
    browser_pays(stripe_fake, orjson.loads(shop.start().client_payload_json))
    make_due()
    jobs.settle_attempts()
    assert shop.heard() == ["PaymentCaptured"]


def test_verify_of_an_unpaid_attempt_changes_nothing(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.start()
    assert shop.verify().status == "open"
    assert shop.heard() == []


def test_verify_of_an_order_without_payment_says_so(shop: Shop) -> None:
    assert (shop.verify().status, shop.verify().order_identifier) == ("none", shop.order)


def test_a_card_declined_in_the_browser_leaves_the_attempt_open_for_another(
    shop: Shop, stripe_fake: RunningFake
) -> None:
    payload = orjson.loads(shop.start().client_payload_json)
    with pytest.raises(stripe.CardError):
        browser_pays(stripe_fake, payload, "pm_card_visa_chargeDeclined")
    state = shop.verify()
    assert (state.status, state.decline_code) == ("open", "card_declined")
    browser_pays(stripe_fake, payload)
    assert shop.verify().status == "captured"
    assert charges(stripe_fake) == [("eur", 10710)]


def test_a_token_pays_the_intent_that_the_browser_left_open(shop: Shop, stripe_fake: RunningFake) -> None:
    first = shop.start()
    assert shop.charge("tok_visa").payment_id == first.payment_id
    assert len(stripe_fake.books()["payment_intents"]) == 1
    assert charges(stripe_fake) == [("eur", 10710)]


def test_a_token_finds_that_the_browser_was_faster(shop: Shop, stripe_fake: RunningFake) -> None:
    browser_pays(stripe_fake, orjson.loads(shop.start().client_payload_json))
    assert shop.charge("tok_mastercard").card.brand == "visa"
    assert charges(stripe_fake) == [("eur", 10710)]


def test_a_provider_that_is_down_leaves_no_second_intent_behind(shop: Shop, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/payment_intents", count=2)
    with pytest.raises(Exception, match="does not answer"):
        shop.start()
    assert orjson.loads(shop.start().client_payload_json)["client_secret"]
    assert len(stripe_fake.books()["payment_intents"]) == 1


def test_an_amount_that_stripe_does_not_take_is_refused_and_blocks_nothing(
    shop: Shop, stripe_fake: RunningFake
) -> None:
    with pytest.raises(Unprocessable) as refusal:
        shop.start(amount=1)
    assert refusal.value.code == "amount_too_small"
    assert shop.start(amount=100).status == "open"
