"""Whose an attendee is: an address counts for an account that has proved it, and for no other."""

from typing import Any

import pytest

from proto.accounts import accounts_pb2
from proto.orders import orders_pb2
from services.orders import consumers
from services.orders.models import Attendee
from services.orders.tests.fair import patch
from services.orders.tests.test_neighbours import hear, row
from services.orders.tests.test_orders import attendee_body

VIC = "vic@example.com"
NEVER_OVERTAKEN = 2**62


def told(**user: Any) -> None:
    hear(consumers.store_user, accounts_pb2.UserChanged(user=accounts_pb2.User(**user)))


def erased(user_id: int) -> None:
    told(id=user_id, epoch=NEVER_OVERTAKEN, version=NEVER_OVERTAKEN, deleted=True, erased=True)


@pytest.fixture
def attends(order: Any, buyer: Any) -> Any:
    """Somebody buys for this address; the attendee's number."""

    def buy(email: str, firstname: str = "Vic") -> int:
        placed = order({"id": 1})
        [attendee] = buyer.get(f"/v1/orders/{placed['attributes']['identifier']}/attendees").json()["data"]
        change = patch(attendee, "attendee", email=email, firstname=firstname)
        assert buyer.patch(f"/v1/attendees/{attendee['id']}", json=change).status_code == 200
        return int(attendee["id"])

    return buy


@pytest.mark.parametrize("is_verified", [True, False])
def test_an_attendee_is_the_user_who_has_proved_the_address(attends: Any, is_verified: bool) -> None:
    told(id=77, version=1, email="Vic@example.com", is_verified=is_verified)
    assert row(Attendee, attends(VIC)).user_id == (77 if is_verified else None)


@pytest.mark.parametrize("is_verified", [True, False])
def test_the_same_holds_for_an_attendee_made_before_an_order(buyer: Any, fair: Any, is_verified: bool) -> None:
    told(id=77, version=1, email=VIC, is_verified=is_verified)
    made = buyer.post("/v1/attendees", json=attendee_body(email=VIC)).json()["data"]
    assert row(Attendee, int(made["id"])).user_id == (77 if is_verified else None)


def test_tickets_are_not_told_of_a_user_who_has_proved_nothing(
    attends: Any, organizer: Any, buyer: Any, published: Any
) -> None:
    told(id=77, version=1, email=VIC)
    attends(VIC)
    [placed] = buyer.get("/v1/users/1/orders").json()["data"]
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    assert organizer.patch(path, json=patch(placed, status="completed")).status_code == 200
    [said] = published(orders_pb2.OrderPaid)
    assert [(each.email, each.user_id) for each in said.order.attendees] == [(VIC, 0)]


def test_who_proves_the_address_later_is_the_attendee_from_then_on(attends: Any, client: Any) -> None:
    told(id=77, version=1, email=VIC)
    number = attends("Vic@example.com")
    path = f"/v1/attendees/{number}"
    assert client.as_user(77, email=VIC, is_verified=False).get(path).status_code == 404
    told(id=77, version=2, email=VIC, is_verified=True)
    assert row(Attendee, number).user_id == 77
    assert client.as_user(77, email=VIC).get(path).status_code == 200


def test_proving_an_address_takes_no_attendee_from_somebody_else(attends: Any) -> None:
    told(id=77, version=1, email=VIC, is_verified=True)
    number = attends(VIC)
    told(id=77, version=2, email="new@example.com", is_verified=True)
    told(id=78, version=1, email=VIC, is_verified=True)
    assert row(Attendee, number).user_id == 77
