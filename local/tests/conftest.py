"""The fakes as processes of their own, one per module, with empty books for each test."""

from collections.abc import Iterator
from pathlib import Path

import paypalrestsdk
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


PAYPAL_CLIENT = {"client_id": "the-client", "client_secret": "the-secret"}
PAYPAL_WEBHOOK_ID = "WH-OF-THE-TESTS"
PAYPAL_OPTIONS = ("--client-id", "the-client", "--client-secret", "the-secret", "--webhook-id", PAYPAL_WEBHOOK_ID)


@pytest.fixture(scope="module")
def paypal_of_module(tmp_path_factory: pytest.TempPathFactory, receiver_of_module: Receiver) -> Iterator[RunningFake]:
    folder: Path = tmp_path_factory.mktemp("paypal")
    with RunningFake("paypal", folder, *PAYPAL_OPTIONS, "--webhook-url", receiver_of_module.url) as fake:
        yield fake


@pytest.fixture
def paypal_fake(paypal_of_module: RunningFake, receiver_of_module: Receiver) -> RunningFake:
    paypal_of_module.start()
    paypal_of_module.reset()
    receiver_of_module.clear()
    return paypal_of_module


def paypal_api(fake: RunningFake, **changes: str) -> paypalrestsdk.Api:
    """The real SDK."""
    return paypalrestsdk.Api(endpoint=fake.url, **{**PAYPAL_CLIENT, **changes})


@pytest.fixture
def api(paypal_fake: RunningFake) -> paypalrestsdk.Api:
    return paypal_api(paypal_fake)
