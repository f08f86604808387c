"""Fixtures of payments' tests: the real service and database, and our fake providers as processes of their own."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from google.protobuf.message import Message

from chassis import db as database
from chassis.errors import NotFound
from chassis.testing import service_fixtures
from local.fakes.running import RunningFake
from local.ports import free_port
from local.tests.receiver import Receiver
from proto.events.events_pb2 import Event, EventRole, EventRolesReply
from proto.payments.payments_pb2 import ChargeRequest, OrderRequest, PaymentState, StartPaymentRequest
from services.payments.grpc_server import PaymentsServicer
from services.payments.main import SERVICE

STRIPE_PORT, PAYPAL_PORT = free_port(), free_port()
WEBHOOK_SECRET = "whsec_of_the_tests"
PAYPAL_WEBHOOK_ID = "WH-OF-THE-TESTS"
ENVIRONMENT = {
    "STRIPE_API_BASE": f"http://127.0.0.1:{STRIPE_PORT}",
    "STRIPE_CONNECT_BASE": f"http://127.0.0.1:{STRIPE_PORT}",
    "STRIPE_SECRET_KEY": "sk_test_platform",
    "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "PAYPAL_API_BASE": f"http://127.0.0.1:{PAYPAL_PORT}",
    "PAYPAL_CLIENT_ID": "the-client",
    "PAYPAL_CLIENT_SECRET": "the-secret",
    "PAYPAL_WEBHOOK_ID": PAYPAL_WEBHOOK_ID,
    "SECRETS_KEYS": "k1:" + base64.b64encode(b"1" * 32).decode(),
    "PROVIDER_READ_SECONDS": "1.0",
    "PUBLIC_URL": "https://tickets.example.com",
}

ORGANIZER, COORGANIZER = 1, 2  # of event 7

globals().update(service_fixtures(SERVICE, ENVIRONMENT))


@pytest.fixture(scope="session")
def stripe_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFake]:
    with RunningFake("stripe", tmp_path_factory.mktemp("stripe"), "--quiet", port=STRIPE_PORT) as fake:
        yield fake


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Receiver]:
    """Where PayPal's webhooks land; tests carry them over to the service when, and as often as, they want to."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def paypal_process(tmp_path_factory: pytest.TempPathFactory, mailbox: Receiver) -> Iterator[RunningFake]:
    options = (
        *("--client-id", "the-client", "--client-secret", "the-secret", "--webhook-id", PAYPAL_WEBHOOK_ID),
        *("--webhook-url", mailbox.url, "--quiet"),
    )
    with RunningFake("paypal", tmp_path_factory.mktemp("paypal"), *options, port=PAYPAL_PORT) as fake:
        yield fake


@pytest.fixture
def stripe_fake(stripe_process: RunningFake) -> RunningFake:
    stripe_process.start()
    stripe_process.reset()
    return stripe_process


@pytest.fixture
def paypal_fake(paypal_process: RunningFake, mailbox: Receiver) -> RunningFake:
    paypal_process.start()
    paypal_process.reset()
    mailbox.clear()
    return paypal_process


@pytest.fixture
def world(peer: Callable[..., None], stripe_fake: RunningFake) -> RunningFake:
    """Event 7 takes cards, event 8 does not; the roles are asked for, since the replica is empty."""

    def get_event(request: Any) -> Event:
        number = {"abcd1234": 7, "7": 7, "8": 8}.get(request.key)
        if number is None:
            raise NotFound("There is no such event.")
        return Event(id=number, identifier="abcd1234", payment_modes=["stripe"] if number == 7 else ["bank"])

    def get_roles(request: Any) -> EventRolesReply:
        roles = {ORGANIZER: ["organizer"], COORGANIZER: ["coorganizer"]}.get(request.user_id, [])
        number = request.event_id * 100 + request.user_id
        return EventRolesReply(
            role=EventRole(id=number, version=1, event_id=request.event_id, user_id=request.user_id, roles=roles)
        )

    peer("events", GetEvent=get_event, GetEventRoles=get_roles)
    return stripe_fake


class Shop:
    """Orders, as far as payments can tell: it asks over gRPC's methods and hears what is published."""

    order = "0d5b7c9e-1111-4222-8333-444455556666"

    def __init__(self, published: Callable[..., list[Any]]) -> None:
        self._published = published
        self._servicer = PaymentsServicer()

    def wish(
        self, mode: str = "stripe", amount: int = 10710, currency: str = "EUR", **more: Any
    ) -> StartPaymentRequest:
        fields = {"order_identifier": self.order, "event_id": 7, **more}
        return StartPaymentRequest(mode=mode, amount_minor=amount, currency=currency, **fields)

    def start(self, mode: str = "stripe", **more: Any) -> PaymentState:
        return self._servicer.StartPayment(self.wish(mode, **more))

    def charge(self, token: str = "tok_visa", mode: str = "stripe", **more: Any) -> PaymentState:  # noqa: S107
        ids = {name: more.pop(name) for name in ("paypal_payer_id", "paypal_payment_id") if name in more}
        return self._servicer.Charge(ChargeRequest(payment=self.wish(mode, **more), stripe_token=token, **ids))

    def charge_paypal(self, **more: Any) -> PaymentState:
        return self.charge("", "paypal", **more)

    def verify(self) -> PaymentState:
        return self._servicer.Verify(OrderRequest(order_identifier=self.order))

    def close(self) -> PaymentState:
        return self._servicer.CloseAttempt(OrderRequest(order_identifier=self.order))

    def heard(self) -> list[str]:
        """What was said so far, by type."""
        return [type(message).__name__ for message in self._published()]

    def last(self, kind: type[Message]) -> Any:
        return self._published(kind)[-1]


@pytest.fixture
def shop(app: Any, published: Callable[..., list[Any]]) -> Shop:
    del app
    return Shop(published)


def approve(state: PaymentState, **how: str) -> None:
    """The payer opens PayPal's page."""
    answer = requests.get(state.payment_url, params=how, timeout=5, allow_redirects=False)
    assert answer.status_code == 302


def charges(fake: RunningFake) -> list[tuple[str, int]]:
    """The charges in Stripe's book that brought money."""
    return [(c["currency"], c["amount"]) for c in fake.books()["charges"] if c["status"] == "succeeded"]


def sales(fake: RunningFake) -> list[tuple[str, str]]:
    """The sales in PayPal's book."""
    return [(s["amount"]["currency"], s["amount"]["total"]) for s in fake.books()["sales"]]


def rows(sql: str, **values: Any) -> list[Any]:
    with database.engine().connect() as connection:
        return list(connection.exec_driver_sql(sql, values or None).all())


def make_due() -> None:
    """Everything that waits for its time is due now, and no lease of a dead process holds."""
    with database.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE payments SET ask_at = now(), call_until = NULL WHERE ask_at IS NOT NULL")
        connection.exec_driver_sql("UPDATE refunds SET try_at = now(), call_until = NULL WHERE try_at IS NOT NULL")
