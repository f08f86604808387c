"""An account that cannot be used any more holds up its own payments and refunds, never those of others."""

from dataclasses import replace

import orjson
import pytest

from chassis import db as database
from chassis.testing import Client
from local.fakes.running import RunningFake
from proto.payments.payments_pb2 import PaymentRefunded
from services.payments import jobs
from services.payments.clients import accounts
from services.payments.tests.conftest import ORGANIZER, Shop, rows
from services.payments.tests.steps import ask, browser_pays, link
from services.payments.vault import Vault


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that whatever stays at the head of the queue stops it."""
    monkeypatch.setattr(jobs, "BATCH", 1)


def change(statement: str) -> None:
    with database.engine().begin() as connection:
        connection.exec_driver_sql(statement)


def test_an_attempt_at_a_provider_that_is_gone_is_asked_about_later_than_the_others(
    shop: Shop, stripe_fake: RunningFake, paypal_fake: RunningFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.start("paypal")
    shop.order = "another"
    browser_pays(stripe_fake, orjson.loads(shop.start().client_payload_json))
    change("UPDATE payments SET ask_at = now() - interval '1 hour' * (CASE mode WHEN 'paypal' THEN 2 ELSE 1 END)")
    monkeypatch.setattr(accounts, "_accounts", replace(accounts.accounts(), paypal=None))
    jobs.settle_attempts()
    jobs.settle_attempts()
    assert shop.heard() == ["PaymentCaptured"]
    assert rows("SELECT asked, status, call_until, ask_at > now() FROM payments WHERE mode = 'paypal'") == [
        (1, "open", None, True)
    ]


def test_a_refund_whose_key_is_lost_waits_behind_the_others(
    client: Client, world: RunningFake, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    link(client)
    shop.charge()
    ask(shop, "lost")
    shop.order = "another"
    shop.charge(event_id=8)
    ask(shop, "fine")
    change("UPDATE refunds SET try_at = now() - interval '1 hour' WHERE refund_key = 'lost'")
    with monkeypatch.context() as locked:
        locked.setattr(accounts, "_accounts", replace(accounts.accounts(), vault=Vault({})))
        jobs.carry_out_refunds()
        jobs.carry_out_refunds()
    waiting, done = rows("SELECT status, tries, call_until, try_at > now() FROM refunds ORDER BY refund_key DESC")
    assert (waiting, done[0]) == (("pending", 1, None, True), "succeeded")
    change("UPDATE refunds SET try_at = now() WHERE refund_key = 'lost'")
    jobs.carry_out_refunds()
    assert rows("SELECT DISTINCT status FROM refunds") == [("succeeded",)]


def test_a_refund_from_an_account_whose_keys_were_erased_fails_and_says_so(
    client: Client, world: RunningFake, shop: Shop
) -> None:
    linked = link(client)
    shop.charge()
    client.as_user(ORGANIZER).delete(linked.headers["Location"])
    change("UPDATE payments SET captured_at = now() - interval '200 days'")
    jobs.tidy_up()
    assert rows("SELECT secret_key_sealed FROM stripe_authorizations") == [("",)]
    ask(shop)
    jobs.carry_out_refunds()
    assert rows("SELECT status, code FROM refunds") == [("failed", "provider-account-removed")]
    said = shop.last(PaymentRefunded)
    assert (said.status, said.message) == (
        "failed",
        "The organizer's Stripe account was removed, and its keys were erased.",
    )


def test_keys_are_kept_while_a_refund_is_under_way(client: Client, world: RunningFake, shop: Shop) -> None:
    linked = link(client)
    shop.charge()
    client.as_user(ORGANIZER).delete(linked.headers["Location"])
    change("UPDATE payments SET captured_at = now() - interval '200 days'")
    ask(shop)
    jobs.tidy_up()
    jobs.carry_out_refunds()
    assert rows("SELECT status FROM refunds") == [("succeeded",)]
    jobs.tidy_up()
    assert rows("SELECT secret_key_sealed FROM stripe_authorizations") == [("",)]
