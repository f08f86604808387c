"""The providers' books against ours."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
import pytest
import requests
import stripe

from chassis import db as database
from chassis.errors import Unavailable
from chassis.testing import Client
from local.fakes.running import RunningFake
from proto.payments.payments_pb2 import PaymentCaptured, PaymentRefunded
from services.payments import config, jobs
from services.payments.clients import accounts
from services.payments.clients.http import provider_seconds
from services.payments.clients.providers import NotNow
from services.payments.clients.stripe_api import StripeAccount
from services.payments.domain.reports import Movement
from services.payments.tests.conftest import Shop, approve, make_due, rows
from services.payments.tests.steps import ask, browser_pays, deliver, events, link, unmatched
from services.payments.vault import Vault


@pytest.fixture(autouse=True)
def empty_books(stripe_fake: RunningFake, paypal_fake: RunningFake) -> None:
    """Both providers are compared."""


def in_the_dashboard(fake: RunningFake, intent: str, amount: int) -> None:
    """Somebody refunds without asking us."""
    client = stripe.StripeClient("sk_test_platform", base_addresses={"api": fake.url}, max_network_retries=0)
    client.v1.refunds.create({"payment_intent": intent, "amount": amount})


def test_books_that_agree_have_nothing_unmatched(
    shop: Shop, stripe_fake: RunningFake, paypal_fake: RunningFake
) -> None:
    shop.charge()
    ask(shop, amount=100)
    jobs.carry_out_refunds()
    shop.order = "another"
    approve(shop.start("paypal"))
    shop.charge_paypal()
    assert unmatched() == 0


def test_a_charge_that_nobody_told_us_of_is_found_and_told(shop: Shop, stripe_fake: RunningFake) -> None:
    browser_pays(stripe_fake, orjson.loads(shop.start().client_payload_json))
    assert unmatched() == 0
    assert shop.last(PaymentCaptured).payment.card.last4 == "4242"


def test_a_charge_for_a_row_that_we_lost_is_unmatched(shop: Shop, stripe_fake: RunningFake) -> None:
    """A database that was restored from yesterday."""
    shop.charge()
    with database.engine().begin() as connection:
        connection.exec_driver_sql("DELETE FROM ledger_transfers; DELETE FROM payments")
    assert unmatched() == 1


def test_a_charge_that_the_provider_does_not_list_is_unmatched(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge()
    stripe_fake.reset()
    assert unmatched() == 1


def test_lists_of_several_pages_are_read_to_the_end(shop: Shop, stripe_fake: RunningFake) -> None:
    for number in range(103):
        requests.post(
            f"{stripe_fake.url}/v1/payment_intents",
            data={"amount": 1000 + number, "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa",
                  "return_url": "https://example.com", "metadata[payment_id]": f"lost-{number}"},
            auth=("sk_test_platform", ""),
            timeout=5,
        ).raise_for_status()  # fmt: skip
    assert unmatched() == 103


def test_a_refund_made_in_the_dashboard_is_taken_into_the_books_and_told(shop: Shop, stripe_fake: RunningFake) -> None:
    paid = shop.charge()
    in_the_dashboard(stripe_fake, paid.provider_reference, 3000)
    assert unmatched() == 0
    said = shop.last(PaymentRefunded)
    assert (said.status, said.amount_minor, said.refund_key[:12]) == ("succeeded", 3000, "provider:re_")
    assert rows("SELECT refunded_minor FROM payments") == [(3000,)]
    assert unmatched() == 0
    ask(shop)
    jobs.carry_out_refunds()
    assert [refund["amount"] for refund in stripe_fake.books()["refunds"]] == [3000, 7710]


def test_its_webhook_does_the_same(client: Client, shop: Shop, stripe_fake: RunningFake) -> None:
    paid = shop.charge()
    in_the_dashboard(stripe_fake, paid.provider_reference, 3000)
    for body in events(stripe_fake, "refund.created", "charge.refunded"):
        deliver(client, body)
    assert unmatched() == 0
    assert shop.heard() == ["PaymentCaptured", "PaymentRefunded"]


def test_our_own_refund_whose_answer_was_lost_is_not_mistaken_for_a_strangers(
    shop: Shop, stripe_fake: RunningFake
) -> None:
    shop.charge()
    ask(shop)
    stripe_fake.fault(fault="lose-answer", method="POST", path="/v1/refunds", count=2)
    jobs.carry_out_refunds()
    assert unmatched() == 0
    make_due()
    jobs.carry_out_refunds()
    assert rows("SELECT refund_key, status FROM refunds") == [("cancel-1", "succeeded")]
    assert shop.heard() == ["PaymentCaptured", "PaymentRefunded"]


def test_a_provider_that_is_down_stops_no_comparison_of_the_other(
    shop: Shop, stripe_fake: RunningFake, paypal_fake: RunningFake
) -> None:
    approve(shop.start("paypal"))
    shop.charge_paypal()
    paypal_fake.reset()
    stripe_fake.process.stop()
    with pytest.raises(Unavailable):
        jobs.compare_books()
    assert jobs.unmatched_payments._value.get() == 1
    stripe_fake.start()


def test_one_attempt_that_fails_holds_up_no_other(
    shop: Shop, stripe_fake: RunningFake, paypal_fake: RunningFake
) -> None:
    browser_pays(stripe_fake, orjson.loads(shop.start().client_payload_json))
    shop.order = "another"
    shop.start("paypal")
    with database.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE payments SET ask_at = now() - interval '1 hour' WHERE mode = 'paypal'")
    make_due()
    paypal_fake.process.stop()
    jobs.settle_attempts()
    paypal_fake.start()
    assert shop.heard() == ["PaymentCaptured"]
    assert rows("SELECT status, ask_at > now(), call_until FROM payments WHERE mode = 'paypal'") == [
        ("open", True, None)
    ]


def test_attempts_are_asked_about_ever_less_often(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.start()
    waits: list[Any] = []
    for _ in range(4):
        make_due()
        jobs.settle_attempts()
        waits.append(rows("SELECT round(extract(epoch FROM ask_at - now())) FROM payments")[0][0])
    assert [round(float(wait) / 60) for wait in waits] == [1, 2, 4, 8]


def test_a_nought_is_no_old_one_while_a_provider_does_not_show_its_books(
    shop: Shop, stripe_fake: RunningFake, paypal_fake: RunningFake
) -> None:
    """What it last disagreed on stays, and the comparison counts as one that has not ended well: JobsStandStill."""
    shop.charge()
    with database.engine().begin() as connection:
        connection.exec_driver_sql("DELETE FROM ledger_transfers; DELETE FROM payments")
    assert unmatched() == 1
    stripe_fake.fault(fault="error", status=401, method="GET", path="/v1/payment_intents*")
    with pytest.raises(Unavailable, match="stripe"):
        jobs.compare_books()
    assert jobs.unmatched_payments._value.get() == 1
    stripe_fake.clear_faults()
    stripe_fake.reset()
    assert unmatched() == 0


def test_an_organizers_account_that_does_not_show_its_books_stops_no_comparison(
    client: Client,
    world: RunningFake,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They may have taken their key away at Stripe, or we have lost what opens it."""
    link(client)
    with monkeypatch.context() as locked:
        locked.setattr(accounts, "_accounts", replace(accounts.accounts(), vault=Vault({})))
        assert unmatched() == 0
    theirs = StripeAccount.movements

    def refuse(account: StripeAccount, since: datetime) -> Iterator[Movement]:
        if account.account != "stripe":
            raise NotNow("Card payments do not work right now.")
        return theirs(account, since)

    monkeypatch.setattr(StripeAccount, "movements", refuse)
    assert unmatched() == 0


@pytest.mark.parametrize("mode", ["stripe", "paypal"])
def test_a_provider_that_does_not_take_our_key_is_seen(
    shop: Shop, stripe_fake: RunningFake, paypal_fake: RunningFake, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe_fake.fault(fault="error", status=401, count=10)
    wrong = accounts._paypal(replace(config.current(), paypal_client_secret="taken away"))
    monkeypatch.setattr(accounts, "_accounts", replace(accounts.accounts(), paypal=wrong))

    def seen() -> float:
        return sum(
            sample.value
            for family in provider_seconds.collect()
            for sample in family.samples
            if sample.name.endswith("_count")
            and (sample.labels["provider"], sample.labels["outcome"]) == (mode, "refused-key")
        )

    before = seen()
    with pytest.raises(Unavailable):
        shop.start(mode)
    assert seen() == before + 1
