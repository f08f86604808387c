"""What events and accounts accept can be ordered, however long it is."""

from typing import Any

import pytest

from proto.accounts import accounts_pb2
from proto.events import events_pb2
from services.orders import consumers
from services.orders.models import User
from services.orders.tests.fair import hear, stored
from services.orders.tests.test_neighbours import row

DETAILS = ("bank_details", "cheque_details", "onsite_details", "invoice_details")


@pytest.mark.parametrize(
    ("attribute", "length"),
    [
        ("refund_policy", 50_000),
        *((name, 10_000) for name in DETAILS),
        ("logo_url", 2048),
        ("original_image_url", 2048),
    ],
)
def test_an_event_with_a_long_text_can_be_ordered(
    order: Any, buyer: Any, fair: Any, attribute: str, length: int
) -> None:
    setattr(fair.event, attribute, "x" * length)
    identifier = order({"id": 1})["attributes"]["identifier"]
    shown = buyer.get(f"/v1/orders/{identifier}/event").json()["data"]
    assert shown["id"] == str(fair.event.id)


def test_a_ticket_with_a_long_form_and_a_tax_with_a_long_name_can_be_ordered(order: Any, fair: Any) -> None:
    fair.tickets[1].form_id = "f" * 255
    fair.tax = events_pb2.Tax(name="t" * 255, rate="7", is_included=True)
    placed = stored(order({"id": 1})["attributes"]["identifier"])
    assert placed.tax_name == "t" * 255


def test_a_user_with_a_long_language_is_known() -> None:
    user = accounts_pb2.User(id=1, version=1, email="a@example.com", locale="x" * 35)
    hear(consumers.store_user, accounts_pb2.UserChanged(user=user))
    assert row(User, 1).locale == "x" * 35
