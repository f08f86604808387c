"""The fakes as processes of their own, one per module, with empty books for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from local.fakes.running import RunningFake
from local.tests.receiver import Receiver

WEBHOOK_SECRET = "whsec_of_the_tests"


@pytest.fixture(scope="module")
def receiver_of_module() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def receiver(receiver_of_module: Receiver) -> Receiver:
    """Emptied by the fake's fixture, after the fake has forgotten what it still wanted to deliver."""
    return receiver_of_module


@pytest.fixture(scope="module")
def stripe_of_module(tmp_path_factory: pytest.TempPathFactory, receiver_of_module: Receiver) -> Iterator[RunningFake]:
    folder: Path = tmp_path_factory.mktemp("stripe")
    options = ("--webhook-url", receiver_of_module.url, "--webhook-secret", WEBHOOK_SECRET)
    with RunningFake("stripe", folder, *options) as fake:
        yield fake


@pytest.fixture
def stripe_fake(stripe_of_module: RunningFake, receiver_of_module: Receiver) -> RunningFake:
    stripe_of_module.start()
    stripe_of_module.reset()
    receiver_of_module.clear()
    return stripe_of_module


def stripe_client(fake: RunningFake, key: str = "sk_test_tests", account: str | None = None) -> stripe.StripeClient:
    """The real SDK, without its own retries, so that a test sees each answer."""
    return stripe.StripeClient(
        key, base_addresses={"api": fake.url, "connect": fake.url}, max_network_retries=0, stripe_account=account
    )


@pytest.fixture
def client(stripe_fake: RunningFake) -> stripe.StripeClient:
    return stripe_client(stripe_fake)
