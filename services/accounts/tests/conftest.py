"""Fixtures of accounts' tests: cheap password hashes, so that hundreds of logins take no time; orders as a peer."""

from collections.abc import Callable

import pytest

from chassis.errors import Unavailable
from chassis.testing import service_fixtures
from proto.orders.orders_pb2 import ComingOrders, ComingOrdersRequest
from services.accounts.main import SERVICE

ENVIRONMENT = {
    "KEY_ENCRYPTION_SECRET": "a secret that is long enough",
    "PASSWORD_MEMORY_KIB": "64",
    "PASSWORD_PASSES": "1",
    "PASSWORD_HASHERS": "8",
    "FRONTEND_URL": "https://tickets.example.com",
    "MAIL_URL": "file:///nonexistent",
    "MAILS_PER_ADDRESS": "1000",
    "SIGN_UPS_PER_ADDRESS": "1000",
    "EMAIL_CHECKS_PER_ADDRESS": "1000",
    "LOGIN_ATTEMPTS_PER_ADDRESS": "1000",
}

globals().update(service_fixtures(SERVICE, ENVIRONMENT))


class Orders:
    """The orders service: how many orders for coming events each user has."""

    def __init__(self) -> None:
        self.coming: dict[int, int] = {}
        self.is_down = False

    def coming_orders(self, request: ComingOrdersRequest) -> ComingOrders:
        if self.is_down:
            raise Unavailable("orders is down")
        return ComingOrders(orders=self.coming.get(request.user_id, 0))


@pytest.fixture
def orders(peer: Callable[..., None]) -> Orders:
    """Orders, of which deleting a user asks. Nobody has any until the test says so."""
    orders = Orders()
    peer("orders", GetComingOrders=orders.coming_orders)
    return orders
