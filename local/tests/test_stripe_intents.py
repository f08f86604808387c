"""Payment intents at the fake Stripe, through the real SDK and as a browser confirms them."""

from collections.abc import Callable

import pytest
import requests
import stripe

from local.fakes.running import RunningFake
from local.tests.conftest import stripe_client

INTENT: dict[str, object] = {"amount": 4900, "currency": "usd", "allowed_payment_method_types": ["card"]}


def made(client: stripe.StripeClient, **changes: object) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create({**INTENT, **changes})  # type: ignore[typeddict-item]


def test_an_intent_waits_for_a_card_and_is_then_paid(client: stripe.StripeClient) -> None:
    intent = made(client, metadata={"order": "7"})
    assert (intent.status, intent.amount, intent.amount_received) == ("requires_payment_method", 4900, 0)
    assert intent.client_secret is not None
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    paid = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", "expand": ["latest_charge"]})
    assert (paid.status, paid.amount_received, paid.metadata.to_dict()) == ("succeeded", 4900, {"order": "7"})
    assert isinstance(paid.latest_charge, stripe.Charge)
    assert (paid.latest_charge.payment_intent, paid.latest_charge.amount_captured) == (intent.id, 4900)
    assert paid.latest_charge.metadata.to_dict() == {"order": "7"}


def test_create_and_confirm_in_one_call_with_a_token(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    data = {"type": "card", "card": {"token": "tok_mastercard"}}
    assert made(client, confirm=True, payment_method_data=data).status == "succeeded"
    assert [charge["amount_captured"] for charge in stripe_fake.books()["charges"]] == [4900]


def test_a_decline_leaves_the_intent_open_for_another_card(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as refused:
        made(client, confirm=True, payment_method="pm_card_chargeDeclined")
    error = refused.value.error
    assert error is not None
    assert (error.code, error.decline_code) == ("card_declined", "generic_decline")
    assert error.payment_intent is not None
    intent = client.v1.payment_intents.retrieve(error.payment_intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == "card_declined"
    again = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (again.status, again.last_payment_error) == ("succeeded", None)
    charges = client.v1.charges.list({"payment_intent": intent.id}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]


def test_a_paid_intent_is_neither_confirmed_nor_cancelled_nor_changed(
    client: stripe.StripeClient, stripe_fake: RunningFake
) -> None:
    paid = made(client, confirm=True, payment_method="pm_card_visa")
    intents = client.v1.payment_intents
    attempts: tuple[Callable[[], object], ...] = (
        lambda: intents.confirm(paid.id, {"payment_method": "pm_card_visa"}),
        lambda: intents.cancel(paid.id),
        lambda: intents.update(paid.id, {"amount": 5000}),
        lambda: intents.capture(paid.id),
    )
    for attempt in attempts:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            attempt()
        assert refused.value.code == "payment_intent_unexpected_state"
        assert refused.value.error is not None
        assert refused.value.error.payment_intent is not None
        assert refused.value.error.payment_intent.status == "succeeded"
    assert len(stripe_fake.books()["charges"]) == 1


def test_a_cancelled_intent_is_never_paid(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    intent = made(client)
    cancelled = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert refused.value.user_message == ("You cannot confirm this PaymentIntent because it has a status of canceled.")
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.cancel(intent.id)
    assert stripe_fake.books()["charges"] == []


def test_an_open_intent_takes_another_amount(client: stripe.StripeClient) -> None:
    intent = made(client, metadata={"order": "7", "note": "x"})
    changed = client.v1.payment_intents.update(intent.id, {"amount": 2500, "metadata": {"note": "", "seat": "A1"}})
    assert (changed.amount, changed.metadata.to_dict()) == (2500, {"order": "7", "seat": "A1"})
    assert client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).amount_received == 2500


def test_manual_capture_takes_money_later(client: stripe.StripeClient) -> None:
    held = made(client, confirm=True, payment_method="pm_card_visa", capture_method="manual")
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 4900, 0)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": held.id})
    taken = client.v1.payment_intents.capture(held.id, {"amount_to_capture": 4000})
    assert (taken.status, taken.amount_capturable, taken.amount_received) == ("succeeded", 0, 4000)


def test_a_held_amount_is_released_by_cancelling(client: stripe.StripeClient) -> None:
    held = made(client, confirm=True, payment_method="pm_card_visa", capture_method="manual")
    assert client.v1.payment_intents.cancel(held.id).status == "canceled"
    charge = client.v1.charges.retrieve(str(held.latest_charge))
    assert (charge.captured, charge.amount_refunded) == (False, 4900)


def test_a_payment_is_refunded_through_its_intent(client: stripe.StripeClient) -> None:
    paid = made(client, confirm=True, payment_method="pm_card_visa")
    refund = client.v1.refunds.create({"payment_intent": paid.id, "amount": 900})
    assert (refund.payment_intent, refund.charge, refund.amount) == (paid.id, paid.latest_charge, 900)
    assert [found.id for found in client.v1.refunds.list({"payment_intent": paid.id}).data] == [refund.id]


def test_without_a_return_url_only_cards_may_be_confirmed(client: stripe.StripeClient) -> None:
    automatic = {"amount": 4900, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        client.v1.payment_intents.create(automatic)  # type: ignore[arg-type]
    quiet = {**automatic, "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    for wish in ({**automatic, "return_url": "http://shop/"}, quiet):
        assert client.v1.payment_intents.create(wish).status == "succeeded"  # type: ignore[arg-type]


def test_the_parameter_that_this_api_version_removed_is_refused(client: stripe.StripeClient) -> None:
    old = {"amount": 4900, "currency": "usd", "payment_method_types": ["card"]}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(old)  # type: ignore[arg-type]
    assert refused.value.code == "payment_method_types_no_longer_supported"
    made_before = client.v1.payment_intents.create(old, {"stripe_version": "2025-08-27.basil"})  # type: ignore[arg-type]
    assert made_before.payment_method_types == ["card"]
    both = {"automatic_payment_methods": {"enabled": True}}
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        made(client, **both)


def test_a_browser_confirms_with_the_client_secret_only(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    intent = made(client)
    browser = stripe_client(stripe_fake, "pk_test_browser")
    for secret in ({}, {"client_secret": "guessed"}):
        with pytest.raises(stripe.InvalidRequestError):
            browser.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", **secret})  # type: ignore[arg-type]
    with pytest.raises(stripe.PermissionError):
        browser.v1.payment_intents.cancel(intent.id)
    with pytest.raises(stripe.PermissionError):
        browser.v1.charges.list()
    form = {"key": "pk_test_browser", "client_secret": intent.client_secret, "payment_method": "pm_card_visa"}
    url = f"{stripe_fake.url}/v1/payment_intents/{intent.id}/confirm"
    answer = requests.post(url, form, headers={"Origin": "http://shop.example"}, timeout=5)
    assert answer.json()["status"] == "succeeded"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("query", "status", "outcome"), [("", "succeeded", "succeeded"), ("&fail=1", "requires_payment_method", "failed")]
)
def test_the_bank_page_decides_and_sends_the_payer_back(
    client: stripe.StripeClient, query: str, status: str, outcome: str
) -> None:
    method = {"payment_method": "pm_card_threeDSecure2Required", "return_url": "http://shop.example/back?order=7"}
    waiting = made(client, confirm=True, **method)
    assert (waiting.status, waiting.latest_charge) == ("requires_action", None)
    assert waiting.next_action is not None
    assert waiting.next_action.redirect_to_url is not None
    page = str(waiting.next_action.redirect_to_url.url) + query
    back = requests.get(page, allow_redirects=False, timeout=5)
    assert back.status_code == 302
    assert back.headers["location"] == (
        f"http://shop.example/back?order=7&payment_intent={waiting.id}"
        f"&payment_intent_client_secret={waiting.client_secret}&redirect_status={outcome}"
    )
    after = client.v1.payment_intents.retrieve(waiting.id)
    assert (after.status, after.next_action) == (status, None)
    requests.get(page, timeout=5).raise_for_status()
    assert len(client.v1.charges.list({"payment_intent": waiting.id}).data) == (1 if outcome == "succeeded" else 0)


def test_without_a_shop_to_return_to_the_bank_says_so_itself(client: stripe.StripeClient) -> None:
    waiting = made(client, confirm=True, payment_method="pm_card_threeDSecure2Required")
    assert waiting.next_action is not None
    assert waiting.next_action.redirect_to_url is not None
    page = requests.get(str(waiting.next_action.redirect_to_url.url), timeout=5)
    assert "This payment has succeeded." in page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_without_its_payer_a_card_that_must_authenticate_declines(client: stripe.StripeClient) -> None:
    card = {"payment_method": "pm_card_threeDSecure2Required", "error_on_requires_action": True}
    with pytest.raises(stripe.CardError) as refused:
        made(client, confirm=True, **card)
    assert refused.value.code == "authentication_required"


def test_a_payment_method_of_its_own_is_made_and_used(client: stripe.StripeClient) -> None:
    method = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_amex"}})
    assert method.card is not None
    assert (method.card.brand, method.card.last4) == ("amex", "0005")
    assert made(client, confirm=True, payment_method=method.id).payment_method == method.id
    with pytest.raises(stripe.InvalidRequestError) as refused:
        made(client, confirm=True, payment_method="pm_unknown")
    assert (refused.value.http_status, refused.value.code) == (400, "resource_missing")
