"""The catalogue says what the files in proto/ declare."""

import time

import pytest

from chassis.messages import UndeclaredMessageError, catalogue, kinds_in, new_id
from proto import options_pb2
from proto.accounts import accounts_pb2
from proto.orders import orders_pb2


def test_a_published_message_knows_its_owner_and_hearers() -> None:
    kind = catalogue().kind("stagedoor.orders.OrderPaid")
    assert kind.message_class is orders_pb2.OrderPaid
    assert kind.owner == "orders"
    assert "tickets" in kind.hearers


def test_a_broadcast_is_heard_by_processes_not_services() -> None:
    kind = catalogue().kind("stagedoor.accounts.SessionsEnded")
    assert kind.is_broadcast
    assert kind.hearers == ()
    assert accounts_pb2.SessionsEnded is kind.message_class


def test_requests_and_parts_are_not_published() -> None:
    assert kinds_in(options_pb2.DESCRIPTOR) == []
    with pytest.raises(UndeclaredMessageError):
        catalogue().kind("stagedoor.orders.RestrictRequest")


def test_every_hearer_is_a_service_and_no_type_is_heard_by_its_owner() -> None:
    services = {"accounts", "events", "orders", "payments", "tickets"}
    for kind in catalogue():
        assert set(kind.hearers) <= services, kind.name
        assert kind.owner not in kind.hearers, kind.name
        assert len(set(kind.hearers)) == len(kind.hearers), kind.name


def test_ids_sort_by_time_and_are_uuids_of_version_7() -> None:
    first = new_id()
    time.sleep(0.002)
    second = new_id()
    assert first < second
    assert (first.version, first.variant) == (7, "specified in RFC 4122")
    assert len({new_id() for _ in range(1000)}) == 1000
