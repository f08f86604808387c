"""Nothing that could be used to take money, or that tells of a person, reaches a log."""

import contextlib
import logging

import pytest

from chassis.errors import DomainError
from chassis.log import JsonLines
from local.fakes.running import RunningFake
from services.payments import jobs
from services.payments.tests.conftest import ENVIRONMENT, Shop, approve, rows
from services.payments.tests.steps import ask

SECRETS = (
    "sk_test_", "whsec_", "the-secret", "_secret_", "Bearer ", "Basic ", "A21AA", "tok_", "pm_",
    "4242", ENVIRONMENT["SECRETS_KEYS"].split(":")[1],
)  # fmt: skip


def test_logs_hold_no_secret_whatever_happens(
    shop: Shop, stripe_fake: RunningFake, paypal_fake: RunningFake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("stripe").setLevel(logging.WARNING)  # as chassis.log sets them
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    shop.start()
    for fault in (
        {"fault": "error", "status": 401},
        {"fault": "error", "status": 500, "count": 2},
        {"fault": "decline"},
    ):
        stripe_fake.fault(method="POST", path="/v1/payment_intents/*", **fault)
        with contextlib.suppress(DomainError):
            shop.charge()
        stripe_fake.clear_faults()
    shop.charge()
    ask(shop)
    stripe_fake.fault(fault="decline", method="POST", path="/v1/refunds")
    jobs.carry_out_refunds()
    shop.order = "another"
    approve(shop.start("paypal"))
    paypal_fake.fault(fault="decline", method="POST", path="*/execute")
    with contextlib.suppress(DomainError):
        shop.charge_paypal()
    lines = [JsonLines("payments").format(record) for record in caplog.records]
    assert len(lines) > 10
    for line in lines:
        assert [secret for secret in SECRETS if secret in line] == [], line


def test_no_table_holds_a_token(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge("tok_visa")
    stored = str(rows("SELECT row_to_json(p)::text FROM payments p")) + str(rows("SELECT payload FROM outbox"))
    assert [secret for secret in ("tok_visa", "_secret_") if secret in stored] == []
