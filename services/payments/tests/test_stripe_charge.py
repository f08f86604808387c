"""Charging a card: once, whatever happens on the way."""

from collections.abc import Callable
from typing import Any

import pytest

from chassis import db as database
from chassis.errors import Conflict, Unavailable, Unprocessable
from local.fakes.running import RunningFake
from proto.payments.payments_pb2 import PaymentCaptured, PaymentFailed
from services.payments import jobs
from services.payments.tests.conftest import Shop, charges, make_due, rows


def test_a_token_is_charged_and_the_receipt_shows_the_card(shop: Shop, stripe_fake: RunningFake) -> None:
    state = shop.charge("tok_visa")
    assert (state.status, state.amount_minor, state.currency) == ("captured", 10710, "EUR")
    assert (state.card.brand, state.card.last4) == ("visa", "4242")
    assert state.transaction_id.startswith("ch_")
    assert charges(stripe_fake) == [("eur", 10710)]
    said = shop.last(PaymentCaptured).payment
    assert (said.payment_id, said.transaction_id, said.card.last4) == (state.payment_id, state.transaction_id, "4242")
    assert shop.heard() == ["PaymentCaptured"]


def test_a_payment_method_is_charged_as_it_is(shop: Shop, stripe_fake: RunningFake) -> None:
    assert shop.charge("pm_card_mastercard").card.brand == "mastercard"
    assert charges(stripe_fake) == [("eur", 10710)]


def test_yen_have_no_minor_unit(shop: Shop, stripe_fake: RunningFake) -> None:
    assert shop.charge(amount=1990, currency="JPY").amount_minor == 1990
    assert charges(stripe_fake) == [("jpy", 1990)]


def test_kronur_are_sent_with_two_digits_that_are_zero(shop: Shop, stripe_fake: RunningFake) -> None:
    assert shop.charge(amount=1990, currency="ISK").amount_minor == 1990
    assert charges(stripe_fake) == [("isk", 199000)]


def test_what_stripe_cannot_charge_exactly_is_refused_before_there_is_a_row(
    shop: Shop, stripe_fake: RunningFake
) -> None:
    with pytest.raises(Unprocessable) as refusal:
        shop.charge(amount=5124, currency="KWD")
    assert refusal.value.code == "amount-not-payable"
    assert rows("SELECT 1 FROM payments") == []


def test_a_decline_ends_the_attempt_with_the_providers_code(shop: Shop, stripe_fake: RunningFake) -> None:
    with pytest.raises(Unprocessable) as refusal:
        shop.charge("tok_chargeDeclinedInsufficientFunds")
    assert (refusal.value.code, refusal.value.meta) == ("card_declined", {"decline-code": "insufficient_funds"})
    assert charges(stripe_fake) == []
    assert shop.last(PaymentFailed).payment.status == "declined"


def test_after_a_decline_the_order_can_be_paid_by_another_card(shop: Shop, stripe_fake: RunningFake) -> None:
    with pytest.raises(Unprocessable):
        shop.charge("tok_chargeDeclined")
    assert shop.charge("tok_visa").status == "captured"
    assert charges(stripe_fake) == [("eur", 10710)]
    assert rows("SELECT attempt, status FROM payments ORDER BY 1") == [(1, "declined"), (2, "captured")]
    assert shop.heard() == ["PaymentFailed", "PaymentCaptured"]


def test_a_declined_intent_is_closed_at_stripe_so_that_no_browser_can_pay_it(
    shop: Shop, stripe_fake: RunningFake
) -> None:
    with pytest.raises(Unprocessable):
        shop.charge("tok_chargeDeclined")
    make_due()
    jobs.settle_attempts()
    assert [intent["status"] for intent in stripe_fake.books()["payment_intents"]] == ["canceled"]
    assert rows("SELECT status, ask_at FROM payments") == [("declined", None)]


def test_a_token_that_stripe_does_not_know_is_a_decline(shop: Shop, stripe_fake: RunningFake) -> None:
    with pytest.raises(Unprocessable) as refusal:
        shop.charge("tok_nobody")
    assert refusal.value.code == "resource_missing"
    assert rows("SELECT status FROM payments") == [("declined",)]


def test_an_amount_below_stripes_least_is_refused_with_its_code(shop: Shop, stripe_fake: RunningFake) -> None:
    with pytest.raises(Unprocessable) as refusal:
        shop.charge(amount=10)
    assert refusal.value.code == "amount_too_small"


def test_charging_again_answers_the_first_charge(shop: Shop, stripe_fake: RunningFake) -> None:
    first, second = shop.charge(), shop.charge()
    assert (second.payment_id, second.status) == (first.payment_id, "captured")
    assert charges(stripe_fake) == [("eur", 10710)]
    assert shop.heard() == ["PaymentCaptured"]


def test_a_lost_answer_is_settled_within_the_call(shop: Shop, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/payment_intents")
    assert shop.charge().status == "captured"
    assert charges(stripe_fake) == [("eur", 10710)]


def test_without_any_answer_the_outcome_is_unknown_and_reconciliation_finds_the_charge(
    shop: Shop, stripe_fake: RunningFake
) -> None:
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/payment_intents", count=2)
    assert shop.charge().status == "unknown"
    assert shop.heard() == []
    make_due()
    jobs.settle_attempts()
    assert shop.heard() == ["PaymentCaptured"]
    assert shop.last(PaymentCaptured).payment.card.last4 == "4242"
    assert charges(stripe_fake) == [("eur", 10710)]


def test_after_a_day_the_list_is_asked_and_not_the_key(shop: Shop, stripe_fake: RunningFake) -> None:
    """Stripe forgets idempotency keys: the same key would make a second intent then."""
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/payment_intents", count=2)
    assert shop.charge().status == "unknown"
    with database.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE payments SET created_at = created_at - interval '30 hours'")
    stripe_fake.fault(fault="reset", method="POST", path="/v1/payment_intents", count=None)
    make_due()
    jobs.settle_attempts()
    assert shop.heard() == ["PaymentCaptured"]
    assert charges(stripe_fake) == [("eur", 10710)]


def test_a_request_that_never_arrived_charges_nothing_and_the_order_stays_payable(
    shop: Shop, stripe_fake: RunningFake
) -> None:
    stripe_fake.fault(fault="reset", method="POST", path="/v1/payment_intents", count=2)
    assert shop.charge().status == "unknown"
    make_due()
    jobs.settle_attempts()
    assert rows("SELECT status FROM payments") == [("open",)]
    assert charges(stripe_fake) == []
    assert shop.charge().status == "captured"
    assert charges(stripe_fake) == [("eur", 10710)]
    assert rows("SELECT count(*) FROM payments") == [(1,)]


def test_charging_an_unknown_attempt_first_asks_what_became_of_it(shop: Shop, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/payment_intents", count=2)
    assert shop.charge("tok_visa").status == "unknown"
    assert shop.charge("tok_mastercard").card.brand == "visa"
    assert charges(stripe_fake) == [("eur", 10710)]


def test_a_decline_whose_answer_was_lost_is_found_too(shop: Shop, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/payment_intents", count=2)
    assert shop.charge("tok_chargeDeclined").status == "unknown"
    assert shop.verify().status == "declined"
    assert shop.heard() == ["PaymentFailed"]


def test_an_error_of_stripe_is_unknown_not_declined(shop: Shop, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="error", method="POST", path="/v1/payment_intents", when="after", status=500, count=2)
    assert shop.charge().status == "unknown"
    assert shop.verify().status == "captured"
    assert charges(stripe_fake) == [("eur", 10710)]


def test_a_slow_stripe_times_out_and_charges_once(shop: Shop, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="delay", method="POST", path="/v1/payment_intents", when="after", seconds=1.5)
    assert shop.charge().status in ("unknown", "captured")
    make_due()
    jobs.settle_attempts()
    assert shop.verify().status == "captured"
    assert charges(stripe_fake) == [("eur", 10710)]


def test_a_busy_stripe_is_503_and_nothing_is_unknown(shop: Shop, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="error", method="POST", path="/v1/payment_intents", status=429, count=3)
    with pytest.raises(Unavailable) as refusal:
        shop.charge()
    assert refusal.value.code == "provider-busy"
    assert rows("SELECT status, call_until FROM payments") == [("open", None)]
    stripe_fake.clear_faults()
    assert shop.charge().status == "captured"


def test_stripe_that_is_down_leaves_the_order_payable(shop: Shop, stripe_fake: RunningFake) -> None:
    stripe_fake.process.stop()
    assert shop.charge().status == "unknown"
    stripe_fake.start()
    assert shop.charge().status == "captured"
    assert charges(stripe_fake) == [("eur", 10710)]


def test_a_card_that_wants_its_bank_requires_action_and_verify_settles_it(shop: Shop, stripe_fake: RunningFake) -> None:
    import orjson
    import requests

    state = shop.charge("tok_threeDSecure2Required")
    assert state.status == "requires_action"
    payload = orjson.loads(state.client_payload_json)
    requests.get(payload["next_action"]["redirect_to_url"]["url"], timeout=5, allow_redirects=False)
    assert shop.verify().status == "captured"
    assert charges(stripe_fake) == [("eur", 10710)]


def test_repeating_a_charge_that_waits_for_the_bank_starts_no_second_one(shop: Shop, stripe_fake: RunningFake) -> None:
    first = shop.charge("tok_threeDSecure2Required")
    assert shop.charge("tok_threeDSecure2Required").status == "requires_action"
    assert len(stripe_fake.books()["payment_intents"]) == 1
    assert shop.charge("tok_visa").payment_id == first.payment_id
    assert charges(stripe_fake) == [("eur", 10710)]


def test_a_mode_without_an_account_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from services.payments.clients import accounts

    monkeypatch.setattr(accounts, "_accounts", replace(accounts.accounts(), stripe=None))
    with pytest.raises(Conflict) as refusal:
        shop.charge()
    assert refusal.value.code == "provider-not-configured"
    assert rows("SELECT 1 FROM payments") == []


@pytest.mark.parametrize("is_committed", [False, True])
def test_what_the_provider_said_survives_a_restart_of_the_database(
    shop: Shop, stripe_fake: RunningFake, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    """Nobody waits for a lease to run out: the process that heard the answer writes it down as soon as it can, once."""
    real, failures = database.run, [2]

    def run(work: Callable[[Any], Any]) -> Any:
        if charges(stripe_fake) and failures[0]:
            failures[0] -= 1
            if is_committed:  # and only the answer was lost
                real(work)
            raise Unavailable("The database does not answer.")
        return real(work)

    monkeypatch.setattr(database, "run", run)
    assert shop.charge().status == "captured"
    assert failures == [0]
    assert charges(stripe_fake) == [("eur", 10710)]
    assert shop.heard() == ["PaymentCaptured"]
    assert rows("SELECT status, call_until FROM payments") == [("captured", None)]


def test_a_database_that_stays_away_leaves_the_outcome_to_the_next_look(
    shop: Shop, stripe_fake: RunningFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "RESTART_SECONDS", 0.2)
    real = database.run

    def run(work: Callable[[Any], Any]) -> Any:
        if charges(stripe_fake):
            raise Unavailable("The database does not answer.")
        return real(work)

    with monkeypatch.context() as away:
        away.setattr(database, "run", run)
        with pytest.raises(Unavailable):
            shop.charge()
    assert rows("SELECT status FROM payments") == [("unknown",)]
    make_due()
    jobs.settle_attempts()
    assert rows("SELECT status FROM payments") == [("captured",)]
    assert charges(stripe_fake) == [("eur", 10710)]
