"""Every operation against the specification."""

from typing import Any

import pytest

from chassis.testing_spec import spec_tests
from services.events.main import SERVICE
from services.events.tests.conftest import Making, Orders

globals().update(
    spec_tests(
        SERVICE,
        examples=3,
        known={"identifier": "1", "id": "1", "user_id": "1", "code": "SPRING"},
    )
)


@pytest.fixture
def arranged(making: Making, orders: Orders) -> Any:
    """An event with something in it."""
    event = making.event()
    ticket = making.ticket(event)
    making.discount(event, ticket["id"])
    return event
