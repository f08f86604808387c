"""Charges and refunds at the fake Stripe, through the real SDK."""

import time

import pytest
import stripe

from local.fakes.running import RunningFake
from local.tests.conftest import stripe_client

CHARGE: stripe.params.ChargeCreateParams = {"amount": 1050, "currency": "eur", "source": "tok_visa"}


def charged(client: stripe.StripeClient, **changes: object) -> stripe.Charge:
    return client.v1.charges.create({**CHARGE, **changes})  # type: ignore[arg-type]


def test_a_charge_is_paid_at_once_and_can_be_read_again(client: stripe.StripeClient) -> None:
    charge = charged(client, description="Order 7", metadata={"order": "7", "2026": "a year"})
    assert (charge.status, charge.paid, charge.captured) == ("succeeded", True, True)
    assert (charge.amount, charge.amount_captured, charge.amount_refunded, charge.currency) == (1050, 1050, 0, "eur")
    assert charge.id.startswith("ch_")
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.card is not None
    assert (charge.payment_method_details.card.brand, charge.payment_method_details.card.last4) == ("visa", "4242")
    assert charge.metadata.to_dict() == {"order": "7", "2026": "a year"}
    assert client.v1.charges.retrieve(charge.id).to_dict() == charge.to_dict()


@pytest.mark.parametrize(
    ("token", "brand", "last4"),
    [("tok_mastercard", "mastercard", "4444"), ("tok_amex", "amex", "0005"), ("tok_visa_debit", "visa", "5556")],
)
def test_the_documented_tokens_stand_for_their_cards(
    client: stripe.StripeClient, token: str, brand: str, last4: str
) -> None:
    details = charged(client, source=token).payment_method_details
    assert details is not None
    assert details.card is not None
    assert (details.card.brand, details.card.last4) == (brand, last4)


@pytest.mark.parametrize(
    ("token", "code", "decline_code", "message", "param"),
    [
        ("tok_chargeDeclined", "card_declined", "generic_decline", "Your card was declined.", None),
        ("tok_visa_chargeDeclined", "card_declined", "generic_decline", "Your card was declined.", None),
        (
            "tok_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
            "Your card has insufficient funds.",
            None,
        ),
        ("tok_chargeDeclinedExpiredCard", "expired_card", None, "Your card has expired.", "exp_month"),
        ("tok_chargeDeclinedIncorrectCvc", "incorrect_cvc", None, "Your card's security code is incorrect.", "cvc"),
        (
            "tok_chargeDeclinedProcessingError",
            "processing_error",
            None,
            "An error occurred while processing your card. Try again in a little bit.",
            None,
        ),
        (
            "tok_threeDSecure2Required",
            "authentication_required",
            "authentication_required",
            "Your card was declined. This transaction requires authentication.",
            None,
        ),
    ],
)
def test_a_declining_card_raises_a_card_error_and_leaves_a_failed_charge(
    client: stripe.StripeClient, token: str, code: str, decline_code: str | None, message: str, param: str | None
) -> None:
    with pytest.raises(stripe.CardError) as refused:
        charged(client, source=token)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (402, code, param)
    assert refused.value.user_message == message
    assert refused.value.error is not None
    assert getattr(refused.value.error, "decline_code", None) == decline_code
    assert refused.value.error.type == "card_error"
    failed = client.v1.charges.retrieve(str(refused.value.error.charge))
    assert (failed.status, failed.paid, failed.amount_captured, failed.failure_code) == ("failed", False, 0, code)


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"source": "tok_nobody"}, "source", "resource_missing"),
        ({"source": ""}, "source", "parameter_missing"),
        ({"amount": ""}, "amount", "parameter_missing"),
        ({"amount": "10.50"}, "amount", "parameter_invalid_integer"),
        ({"amount": 0}, "amount", "parameter_invalid_integer"),
        ({"amount": -100}, "amount", "parameter_invalid_integer"),
        ({"amount": 49}, "amount", "amount_too_small"),
        ({"amount": 100_000_000}, "amount", "amount_too_large"),
        ({"amount": 1001, "currency": "kwd"}, "amount", None),
        ({"currency": "xyz"}, "currency", None),
        ({"currency": ""}, "currency", "parameter_missing"),
        ({"amuont": 1050}, "amuont", "parameter_unknown"),
    ],
)
def test_a_bad_parameter_is_named_and_nothing_is_charged(
    client: stripe.StripeClient, stripe_fake: RunningFake, changes: dict[str, object], param: str, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        charged(client, **changes)
    assert (refused.value.http_status, refused.value.param, refused.value.code) == (400, param, code)
    assert stripe_fake.books()["charges"] == []


@pytest.mark.parametrize(("amount", "currency"), [(50, "usd"), (30, "gbp"), (50, "jpy"), (1010, "kwd")])
def test_amounts_are_minor_units_of_their_currency(client: stripe.StripeClient, amount: int, currency: str) -> None:
    assert charged(client, amount=amount, currency=currency).amount_captured == amount


def test_unknown_charges_are_not_found(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.charges.retrieve("ch_none")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


@pytest.mark.parametrize("key", ["sk_live_real", "nonsense", "rk_live_real"])
def test_only_test_keys_are_taken(stripe_fake: RunningFake, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError):
        charged(stripe_client(stripe_fake, key))
    assert stripe_fake.books()["charges"] == []


def test_a_token_made_from_a_number_is_used_once(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    browser = stripe_client(stripe_fake, "pk_test_browser")
    number = {"number": "5555 5555 5555 4444", "exp_month": "12", "exp_year": "2030", "cvc": "123"}
    token = browser.v1.tokens.create({"card": number})  # type: ignore[arg-type]
    assert charged(client, source=token.id).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        charged(client, source=token.id)
    assert refused.value.code == "token_already_used"


def test_a_charge_can_be_captured_later_in_part(client: stripe.StripeClient) -> None:
    charge = charged(client, capture=False)
    assert (charge.captured, charge.amount_captured) == (False, 0)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"charge": charge.id})
    captured = client.v1.charges.capture(charge.id, {"amount": 1000})
    assert (captured.captured, captured.amount_captured, captured.amount_refunded) == (True, 1000, 50)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.charges.capture(charge.id)
    assert refused.value.code == "charge_already_captured"
    assert client.v1.refunds.create({"charge": charge.id}).amount == 1000


def test_refunds_in_parts_never_exceed_what_was_captured(client: stripe.StripeClient) -> None:
    charge = charged(client)
    first = client.v1.refunds.create(
        {"charge": charge.id, "amount": 50, "reason": "requested_by_customer", "metadata": {"why": "late"}}
    )
    assert (first.status, first.amount, first.charge, first.currency) == ("succeeded", 50, charge.id, "eur")
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        client.v1.refunds.create({"charge": charge.id, "amount": 1001})
    assert too_much.value.user_message == (
        "Refund amount (10.01 eur) is greater than unrefunded amount on charge (10.00 eur)"
    )
    assert too_much.value.param == "amount"
    assert client.v1.refunds.create({"charge": charge.id}).amount == 1000
    after = client.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert (after.amount_refunded, after.refunded) == (1050, True)
    assert after.refunds is not None
    assert [refund.amount for refund in after.refunds.data] == [1000, 50]


def test_a_second_full_refund_is_refused(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    charge = charged(client)
    client.v1.refunds.create({"charge": charge.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge.id})
    assert (refused.value.http_status, refused.value.code) == (400, "charge_already_refunded")
    assert [refund["amount"] for refund in stripe_fake.books()["refunds"]] == [1050]


def test_a_failed_charge_cannot_be_refunded(client: stripe.StripeClient, stripe_fake: RunningFake) -> None:
    with pytest.raises(stripe.CardError):
        charged(client, source="tok_chargeDeclined")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": stripe_fake.books()["charges"][0]["id"]})
    assert refused.value.code == "charge_not_refundable"


def test_a_refund_can_fail_after_it_was_answered(client: stripe.StripeClient) -> None:
    charge = charged(client, source="tok_refundFail")
    refund = client.v1.refunds.create({"charge": charge.id})
    assert refund.status == "succeeded"
    later = client.v1.refunds.retrieve(refund.id)
    assert (later.status, later.failure_reason) == ("failed", "expired_or_canceled_card")
    assert client.v1.charges.retrieve(charge.id).amount_refunded == 0


def test_lists_are_paged_newest_first_and_filtered(client: stripe.StripeClient) -> None:
    before = int(time.time())
    ids = [charged(client).id for _ in range(5)]
    page = client.v1.charges.list({"limit": 2})
    assert ([charge.id for charge in page.data], page.has_more) == ([ids[4], ids[3]], True)
    assert [charge.id for charge in page.auto_paging_iter()] == ids[::-1]
    newer = client.v1.charges.list({"limit": 2, "ending_before": ids[1]})
    assert ([charge.id for charge in newer.data], newer.has_more) == ([ids[3], ids[2]], True)
    assert len(client.v1.charges.list({"created": {"gte": before}}).data) == 5
    assert client.v1.charges.list({"created": {"lt": before}}).data == []
    for window in ("yesterday", {"gte": "yesterday"}, {"around": before}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.charges.list({"created": window})  # type: ignore[arg-type]
    client.v1.refunds.create({"charge": ids[0], "amount": 1})
    assert [refund.amount for refund in client.v1.refunds.list({"charge": ids[0]}).data] == [1]
    assert client.v1.refunds.list({"charge": ids[1]}).data == []
