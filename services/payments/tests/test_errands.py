"""A worker does at once what a transaction of its process has left to do."""

import time
from collections.abc import Iterator

import pytest

from local.fakes.running import RunningFake
from services.payments import errands, jobs, queries
from services.payments.tests.conftest import Shop
from services.payments.tests.steps import ask


@pytest.fixture
def worker() -> Iterator[None]:
    errands.start(jobs.run_errands)
    yield
    errands.stop()


def eventually(shop: Shop, said: str) -> None:
    deadline = time.monotonic() + 5
    while said not in shop.heard():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.usefixtures("worker")
def test_a_refund_is_carried_out_as_soon_as_it_is_asked_for(shop: Shop, stripe_fake: RunningFake) -> None:
    shop.charge()
    ask(shop)
    eventually(shop, "PaymentRefunded")
    assert [refund["amount"] for refund in stripe_fake.books()["refunds"]] == [10710]


@pytest.mark.usefixtures("worker")
def test_an_errand_that_fails_ends_no_worker(
    shop: Shop, stripe_fake: RunningFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.charge()
    with monkeypatch.context() as patched:
        patched.setattr(queries, "due_refunds", lambda *_: 1 / 0)
        errands.wake()
        time.sleep(0.2)
    ask(shop)
    eventually(shop, "PaymentRefunded")
