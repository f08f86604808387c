"""Whose an attendee is: an address counts for an account that has proved it, and for no other."""

from typing import Any

import pytest
import sqlalchemy as sa

from chassis import db as chassis_db
from proto.accounts import accounts_pb2
from proto.orders import orders_pb2
from services.orders import consumers
from services.orders.models import Attendee, User
from services.orders.tests.fair import hear, patch
from services.orders.tests.test_neighbours import row
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


def test_the_seat_of_an_erased_holder_is_told_to_be_nobodys_and_goes_to_somebody_else(
    attends: Any, organizer: Any, buyer: Any, published: Any
) -> None:
    told(id=77, version=1, email=VIC, is_verified=True)
    number = attends(VIC)
    [placed] = buyer.get("/v1/users/1/orders").json()["data"]
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    assert organizer.patch(path, json=patch(placed, status="completed")).status_code == 200
    erased(77)
    assert row(Attendee, number).user_id is None
    [attendee] = buyer.get(f"{path}/attendees").json()["data"]
    change = patch(attendee, "attendee", firstname="Carl")
    assert buyer.patch(f"/v1/attendees/{number}", json=change).status_code == 200
    [paid] = published(orders_pb2.OrderPaid)
    forgotten, changed = published(orders_pb2.AttendeeChanged)
    assert paid.order.version < forgotten.version < changed.version
    assert (forgotten.erased, forgotten.attendee.email, forgotten.attendee.user_id) == (True, "", 0)
    assert (changed.erased, changed.attendee.first_name, changed.attendee.user_id) == (False, "Carl", 0)


def test_nothing_is_told_of_an_erased_person_who_holds_no_ticket_yet(attends: Any, published: Any) -> None:
    told(id=77, version=1, email=VIC, is_verified=True)
    attends(VIC)
    erased(77)
    assert published(orders_pb2.AttendeeChanged) == []


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


@pytest.mark.parametrize("is_verified", [True, False])
def test_who_is_erased_is_the_attendee_only_under_an_address_that_was_proved(attends: Any, is_verified: bool) -> None:
    number = attends(VIC)
    told(id=77, version=1, email=VIC, is_verified=is_verified)
    set_user(number, 77)  # as it was noted before addresses had to be proved
    erased(77)
    assert row(Attendee, number).firstname == (None if is_verified else "Vic")
    assert row(User, 77).email == ""


@pytest.mark.parametrize("is_verified", [True, False])
def test_the_same_holds_for_who_was_deleted_before(attends: Any, is_verified: bool) -> None:
    number = attends(VIC)
    told(id=77, version=1, email=VIC, is_verified=is_verified)
    told(id=77, version=2, deleted=True)
    erased(77)
    assert row(Attendee, number).firstname == (None if is_verified else "Vic")


def test_whom_the_erased_person_entered_under_the_own_address_is_forgotten_also_when_it_was_never_proved(
    attends: Any,
) -> None:
    told(id=1, version=1, email=VIC)  # the buyer
    number = attends("Vic@example.com")
    erased(1)
    assert (row(Attendee, number).firstname, row(Attendee, number).email) == (None, None)


def test_an_erased_person_who_was_moving_to_another_address_is_found_under_the_old_one(attends: Any) -> None:
    told(id=77, version=1, email="old@example.com", is_verified=True)
    own, others = attends("old@example.com", "Me"), attends(VIC)
    told(id=77, version=2, email=VIC)
    erased(77)
    assert (row(Attendee, own).firstname, row(Attendee, others).firstname) == (None, "Vic")


def test_who_has_only_signed_up_with_the_address_of_a_deleted_person_does_not_keep_them_from_being_erased(
    attends: Any,
) -> None:
    number = attends(VIC)
    told(id=77, version=1, email=VIC, is_verified=True)
    told(id=77, version=2, deleted=True)
    told(id=78, version=1, email=VIC)
    erased(77)
    assert row(Attendee, number).firstname is None


def test_whether_the_address_of_who_was_deleted_long_ago_was_proved_is_said_with_the_erasure(attends: Any) -> None:
    """Before, a deletion cleared what we knew of that."""
    number = attends(VIC)
    told(id=77, version=1, email=VIC)
    told(id=77, version=2, deleted=True)
    told(id=77, epoch=NEVER_OVERTAKEN, version=NEVER_OVERTAKEN, deleted=True, erased=True, is_verified=True)
    assert row(Attendee, number).firstname is None


def set_user(number: int, user_id: int) -> None:
    chassis_db.run(lambda db: db.execute(sa.update(Attendee).where(Attendee.id == number).values(user_id=user_id)))


@pytest.mark.parametrize("typed", [" Vic@example.com ", "Vic@example.com\t"])
def test_an_address_with_a_blank_behind_it_is_the_address(attends: Any, client: Any, typed: str) -> None:
    told(id=77, version=1, email=VIC, is_verified=True)
    number = attends(typed)
    assert row(Attendee, number).user_id == 77
    shown = client.as_user(77, email=VIC).get(f"/v1/attendees/{number}")
    assert (shown.status_code, shown.json()["data"]["attributes"]["email"]) == (200, "Vic@example.com")


def test_an_address_is_the_same_however_its_letters_are_composed(attends: Any) -> None:
    told(id=77, version=1, email="jos\u00e9@example.com", is_verified=True)
    assert row(Attendee, attends("jose\u0301@example.com")).user_id == 77
