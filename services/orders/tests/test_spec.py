"""Every operation answers as openapi.yaml says."""

from collections.abc import Callable
from typing import Any

import pytest

from chassis.testing_spec import spec_tests
from services.orders.main import SERVICE
from services.orders.tests.fair import Fair

globals().update(
    spec_tests(
        SERVICE,
        examples=6,
        known={
            "identifier": "1",
            "event": "7",
            "attendee_id": "1",
            "ticket_id": "1",
            "user_id": "1",
            "tag_id": "1",
            "refund_id": "1",
        },
    )
)


@pytest.fixture
def arranged(fair: Fair, bank: Any, order: Callable[..., Any]) -> None:
    """One order of user 1."""
    order({"id": 1, "quantity": 2})
