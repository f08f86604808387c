"""Several at once, and processes that die in between: one charge or none."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from local.fakes.running import RunningFake
from services.payments import calls, jobs
from services.payments.tests.conftest import ENVIRONMENT, Shop, approve, charges, make_due, rows, sales
from services.payments.tests.steps import at_once, browser_pays, calls_to


def test_two_charges_at_once_ask_the_provider_once(shop: Shop, stripe_fake: RunningFake) -> None:
    before = calls_to("stripe", "charge")
    stripe_fake.fault(fault="delay", method="POST", path="/v1/payment_intents", when="after", seconds=0.4)
    first, second = at_once(shop.charge, shop.charge)
    assert (first.status, second.status) == ("captured", "captured")
    assert first.payment_id == second.payment_id
    assert calls_to("stripe", "charge") - before == 1
    assert charges(stripe_fake) == [("eur", 10710)]
    assert shop.heard() == ["PaymentCaptured"]


def test_eight_charges_with_different_cards_end_in_one(shop: Shop, stripe_fake: RunningFake) -> None:
    tokens = ["tok_visa", "tok_mastercard", "tok_amex", "tok_discover"] * 2
    answers = at_once(*(lambda token=token: shop.charge(token) for token in tokens))
    assert {answer.status for answer in answers} == {"captured"}
    assert len({answer.payment_id for answer in answers}) == 1
    assert charges(stripe_fake) == [("eur", 10710)]
    assert rows("SELECT count(*) FROM payments") == [(1,)]


def test_who_waited_for_a_decline_of_the_same_card_hears_it_too(shop: Shop, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="delay", method="POST", path="/v1/payment_intents", when="after", seconds=0.3)
    token = "tok_chargeDeclinedInsufficientFunds"
    for answer in at_once(lambda: shop.charge(token), lambda: shop.charge(token)):
        assert (answer.code, answer.meta) == ("card_declined", {"decline-code": "insufficient_funds"})
    assert rows("SELECT count(*) FROM payments") == [(1,)]


@pytest.mark.parametrize("when", ["before", "after"])
def test_two_executions_of_a_paypal_payment_at_once_are_one(shop: Shop, paypal_fake: RunningFake, when: str) -> None:
    approve(shop.start("paypal"))
    before = calls_to("paypal", "charge")
    paypal_fake.fault(fault="delay", method="POST", path="*/execute", when=when, seconds=0.3)
    first, second = at_once(shop.charge_paypal, shop.charge_paypal)
    assert (first.status, second.status) == ("captured", "captured")
    assert calls_to("paypal", "charge") - before == 1
    assert sales(paypal_fake) == [("EUR", "107.10")]


def test_two_starts_at_once_open_one_payment(shop: Shop, stripe_fake: RunningFake) -> None:
    first, second = at_once(shop.start, shop.start)
    assert first.payment_id == second.payment_id
    assert len(stripe_fake.books()["payment_intents"]) == 1


def test_both_modes_at_once_end_in_one_payment(shop: Shop, stripe_fake: RunningFake, paypal_fake: RunningFake) -> None:
    approve(shop.start("paypal"))
    at_once(shop.charge, shop.charge_paypal)
    assert len(charges(stripe_fake)) + len(sales(paypal_fake)) == 1
    assert rows("SELECT count(*) FROM payments WHERE status = 'captured'") == [(1,)]


def test_closing_while_a_charge_is_under_way_waits_and_finds_the_money(shop: Shop, stripe_fake: RunningFake) -> None:
    stripe_fake.fault(fault="delay", method="POST", path="/v1/payment_intents", when="after", seconds=0.5)

    def close_in_the_middle() -> Any:
        time.sleep(0.2)
        return shop.close()

    charged, closed = at_once(shop.charge, close_in_the_middle)
    assert (charged.status, closed.status) == ("captured", "captured")
    assert charges(stripe_fake) == [("eur", 10710)]


def test_closing_while_the_browser_pays_ends_one_way_or_the_other(shop: Shop, stripe_fake: RunningFake) -> None:
    import stripe

    payload = orjson.loads(shop.start().client_payload_json)

    def pay() -> str:
        try:
            browser_pays(stripe_fake, payload)
        except stripe.InvalidRequestError:
            return "too late"
        return "paid"

    paid, closed = at_once(pay, shop.close)
    assert (paid, closed.status) in [("paid", "captured"), ("too late", "closed")]
    assert len(charges(stripe_fake)) == (paid == "paid")


CHARGE = """
import sys
from chassis import db, rpc
from chassis.config import load
from services.payments import config
from services.payments.clients import accounts
from services.payments.config import Settings
from services.payments.tests.conftest import Shop

settings = load(Settings, {environment!r})
db.configure(settings.database_url)
config.configure(settings)
accounts.configure(settings)
shop = Shop(lambda *_: [])
print("asking", flush=True)
shop.charge{arguments}
print("answered", flush=True)
"""


def killed_while_charging(database_url: str, arguments: str, happened: Callable[[], bool]) -> None:
    """A process charges, and is killed as soon as `happened`, before it has heard the answer."""
    environment = {
        **ENVIRONMENT,
        "PROVIDER_READ_SECONDS": "20",
        "DATABASE_URL": database_url,
        "BROKER_URL": database_url,
        "SERVICE_SECRET": "x",
    }
    script = textwrap.dedent(CHARGE).format(environment=environment, arguments=arguments)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asking\n"
        deadline = time.monotonic() + 10
        while not happened():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        assert process.stdout.read() == ""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_between_stripe_and_the_database_charges_once(
    shop: Shop, stripe_fake: RunningFake, database_url: str, when: str
) -> None:
    stripe_fake.fault(fault="delay", method="POST", path="/v1/payment_intents", when=when, seconds=1)
    killed_while_charging(database_url, "('tok_visa')", lambda: not stripe_fake.faults())
    assert rows("SELECT status, provider_reference FROM payments") == [("unknown", "")]
    time.sleep(1)
    make_due()
    jobs.settle_attempts()
    assert shop.charge("tok_mastercard").status == "captured"
    assert charges(stripe_fake) == [("eur", 10710)]
    assert shop.heard() == ["PaymentCaptured"]


def test_nobody_charges_again_while_the_dead_process_still_has_its_lease(
    shop: Shop, stripe_fake: RunningFake, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe_fake.fault(fault="delay", method="POST", path="/v1/payment_intents", when="before", seconds=1)
    killed_while_charging(database_url, "('tok_visa')", lambda: not stripe_fake.faults())
    monkeypatch.setattr(calls, "WAIT_SECONDS", 0.2)
    assert shop.charge("tok_mastercard").status == "unknown"
    assert shop.close().status == "unknown"


def test_a_crash_between_paypal_and_the_database_charges_once(
    shop: Shop, paypal_fake: RunningFake, database_url: str
) -> None:
    approve(shop.start("paypal"))
    paypal_fake.fault(fault="delay", method="POST", path="*/execute", when="after", seconds=1)
    killed_while_charging(database_url, "_paypal()", lambda: sales(paypal_fake) != [])
    assert rows("SELECT status FROM payments") == [("unknown",)]
    make_due()
    jobs.settle_attempts()
    assert shop.charge_paypal().status == "captured"
    assert sales(paypal_fake) == [("EUR", "107.10")]
    assert shop.heard() == ["PaymentCaptured"]
