"""Fixtures: the service on a real PostgreSQL, and a fair whose tickets events offers."""

from collections.abc import Callable
from typing import Any

import pytest

from chassis.testing import Client, service_fixtures
from services.orders.commands import replicas
from services.orders.commands.turnstiles import turnstile
from services.orders.main import SERVICE
from services.orders.queries import numbers
from services.orders.tests.fair import Bank, Fair, charge_body, patch

globals().update(service_fixtures(SERVICE))


@pytest.fixture(autouse=True)
def _nothing_remembered(clean: None) -> None:
    """Tables are empty before each test, so a process must not believe that it has filled them."""
    replicas.forget_known()
    turnstile.forget()
    numbers.orders.forget()
    numbers.attendees.forget()


@pytest.fixture
def fair(peer: Callable[..., None]) -> Fair:
    """An event with tickets, as events would offer it to each caller."""
    fair = Fair()
    peer(
        "events",
        GetOffer=fair.get_offer,
        GetOffers=fair.get_offers,
        GetEvent=fair.get_event,
        GetTicket=fair.get_ticket,
        GetEventRoles=fair.get_roles,
    )
    return fair


@pytest.fixture
def bank(peer: Callable[..., None]) -> Bank:
    """Payments, with scriptable outcomes."""
    bank = Bank()
    peer(
        "payments",
        StartPayment=bank.start_payment,
        Charge=bank.charge,
        Verify=bank.verify,
        CloseAttempt=bank.close_attempt,
    )
    return bank


@pytest.fixture
def buyer(client: Client) -> Client:
    """User 1, who buys."""
    return client.as_user(1)


@pytest.fixture
def organizer(client: Client, fair: Fair) -> Client:
    """User 50, who runs the fair."""
    fair.roles[50] = ["organizer"]
    return client.as_user(50)


@pytest.fixture
def admin(client: Client) -> Client:
    """A server admin."""
    return client.as_user(99, role="admin")


@pytest.fixture
def order(buyer: Client, fair: Fair) -> Callable[..., Any]:
    """Orders tickets in one call and returns the resource."""

    def place(*tickets: dict[str, Any], client: Client | None = None, **cart: Any) -> Any:
        wanted = list(tickets) or [{"id": 1, "quantity": 2}]
        answer = (client or buyer).post("/v1/orders/create-order", json={"tickets": wanted, **cart})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    return place


@pytest.fixture
def payable(order: Any, buyer: Any) -> Any:
    """An order of two day tickets, to be paid by Stripe (or another mode)."""

    def make(mode: str = "stripe", **cart: Any) -> str:
        placed = order({"id": 1, "quantity": 2}, **cart)
        identifier = str(placed["attributes"]["identifier"])
        answer = buyer.patch(f"/v1/orders/{identifier}", json=patch(placed, payment_mode=mode))
        assert answer.status_code == 200, answer.text
        return identifier

    return make


@pytest.fixture
def paid(payable: Any, buyer: Any, bank: Any) -> str:
    """The identifier of one that was."""
    identifier: str = payable()
    answer = buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="tok_visa"))
    assert answer.status_code == 200, answer.text
    return identifier
