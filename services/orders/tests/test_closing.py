"""An open attempt is closed at its provider before its order changes or ends, and what was paid meanwhile finds its way."""

from datetime import timedelta
from typing import Any

import pytest

from chassis import clock
from chassis.errors import Conflict, Unavailable
from proto.orders import orders_pb2
from proto.payments import payments_pb2
from services.orders import clients, jobs
from services.orders.tests.fair import (
    captured_payment,
    change,
    hear_captured,
    patch,
    seat_rows,
    seats,
    status_of,
    stored,
)


def test_changing_the_mode_closes_the_open_attempt_first(payable: Any, buyer: Any, bank: Any) -> None:
    identifier = payable()
    buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
    placed = buyer.get(f"/v1/orders/{identifier}").json()["data"]
    assert buyer.patch(f"/v1/orders/{identifier}", json=patch(placed, payment_mode="bank")).status_code == 200
    assert ("close", identifier) in bank.calls


def test_cancelling_closes_the_open_attempt_and_money_wins(payable: Any, buyer: Any, bank: Any) -> None:
    gone, paid = payable(), payable()
    for identifier, outcome, status in ((gone, "closed", "cancelled"), (paid, "captured", "completed")):
        buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
        placed = buyer.get(f"/v1/orders/{identifier}").json()["data"]
        bank.closing = outcome
        answer = buyer.patch(f"/v1/orders/{identifier}", json=patch(placed, status="cancelled"))
        assert ("close", identifier) in bank.calls
        assert (answer.status_code, status_of(identifier)) == (200 if outcome == "closed" else 422, status)
    assert seats() == seat_rows() == {1: (0, 2)}


@pytest.mark.parametrize(
    ("wanted", "headers", "refusal"),
    [
        ({"status": "placed"}, {}, (422, "payment-mode-required")),
        ({"status": "completed"}, {}, (422, "payment-required")),
        ({"payment_mode": "cheque"}, {}, (422, "payment-mode-disabled")),
        ({"payment_mode": "bank", "status": "placed"}, {}, (422, "fields-missing")),
        ({"payment_mode": "bank"}, {"If-Match": 'W/"old"'}, (412, "precondition-failed")),
        ({"status": "cancelled"}, {"If-Match": 'W/"old"'}, (412, "precondition-failed")),
    ],
)
def test_a_change_that_is_refused_closes_no_attempt(
    payable: Any, buyer: Any, bank: Any, wanted: Any, headers: Any, refusal: Any
) -> None:
    """The buyer's intent or PayPal page is open, and stays so: a refusal changes nothing."""
    identifier = payable()
    buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
    placed = buyer.get(f"/v1/orders/{identifier}").json()["data"]
    before = stored(identifier)
    refused = buyer.patch(f"/v1/orders/{identifier}", json=patch(placed, **wanted), headers=headers)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == refusal
    assert [what for what, _ in bank.calls] == ["start"]
    assert _facts(stored(identifier)) == _facts(before)


@pytest.mark.parametrize("way", ["patch", "delete"])
def test_while_an_order_is_charged_nobody_closes_its_attempt(
    payable: Any, buyer: Any, admin: Any, bank: Any, way: str
) -> None:
    identifier = payable()
    buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
    change(identifier, charging_until=clock.now() + timedelta(minutes=2))
    placed = buyer.get(f"/v1/orders/{identifier}").json()["data"]
    if way == "patch":
        refused = buyer.patch(f"/v1/orders/{identifier}", json=patch(placed, status="cancelled"))
    else:
        refused = admin.request("DELETE", f"/v1/orders/{identifier}")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "charge-in-progress")
    assert [what for what, _ in bank.calls] == ["start"]


def _facts(order: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(order).items() if not name.startswith("_")}


@pytest.mark.parametrize(
    "refusal",
    [
        Unavailable("Card payments do not work right now.", code="provider-refuses-us"),
        Conflict("The organizer's Stripe account was removed.", code="provider-account-removed"),
    ],
)
@pytest.mark.parametrize("way", ["patch", "delete"])
def test_cancelling_goes_through_beside_an_attempt_that_cannot_be_closed_and_its_money_is_given_back_once(
    payable: Any, buyer: Any, admin: Any, bank: Any, published: Any, way: str, refusal: Exception
) -> None:
    identifier = payable()
    buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
    bank.closing_refusal = refusal
    placed = buyer.get(f"/v1/orders/{identifier}").json()["data"]
    if way == "patch":
        answer = buyer.patch(f"/v1/orders/{identifier}", json=patch(placed, status="cancelled"))
    else:
        answer = admin.request("DELETE", f"/v1/orders/{identifier}")
    assert (answer.status_code, status_of(identifier)) == (200, "cancelled")
    assert ("close", identifier) in bank.calls
    assert seats() == seat_rows() == {1: (0, 0)}
    assert len(published(orders_pb2.OrderCancelled)) == 1  # payments closes by itself what it hears this of
    for _ in range(2):
        hear_captured(captured_payment(identifier))
    assert status_of(identifier) == "cancelled"
    assert len(published(orders_pb2.RefundRequested)) == 1
    assert published(orders_pb2.OrderPaid) == []


@pytest.mark.parametrize("wanted", [{"payment_mode": "bank"}, {"payment_mode": "paypal"}, {"status": "placed"}])
def test_nothing_else_goes_through_while_the_open_attempt_cannot_be_closed(
    payable: Any, buyer: Any, organizer: Any, bank: Any, wanted: Any
) -> None:
    """The buyer would pay in two ways, and what a bank moved we could not give back."""
    identifier = payable()
    organizer.get("/v1/events/7/orders")
    buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
    bank.closing_refusal = Unavailable("Card payments do not work right now.", code="provider-refuses-us")
    placed = buyer.get(f"/v1/orders/{identifier}").json()["data"]
    client = organizer if "status" in wanted else buyer
    refused = client.patch(f"/v1/orders/{identifier}", json=patch(placed, **wanted))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (503, "provider-refuses-us")
    assert (stored(identifier).payment_mode, status_of(identifier)) == ("stripe", "initializing")


def test_an_attempt_that_turns_out_paid_wins_over_a_change_of_mode(payable: Any, buyer: Any, bank: Any) -> None:
    identifier = payable()
    buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
    placed = buyer.get(f"/v1/orders/{identifier}").json()["data"]
    bank.closing = "captured"
    refused = buyer.patch(f"/v1/orders/{identifier}", json=patch(placed, payment_mode="bank"))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "already-paid")
    assert status_of(identifier) == "completed"


def test_expiry_closes_the_attempt_first_and_money_wins(payable: Any, buyer: Any, bank: Any, published: Any) -> None:
    identifier = payable()
    buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
    bank.closing = "captured"
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        jobs.expire_unpaid_orders()
    assert ("close", identifier) in bank.calls
    assert status_of(identifier) == "completed"
    assert published(orders_pb2.OrderExpired) == []


def test_an_order_with_an_attempt_waits_while_payments_is_down(payable: Any, buyer: Any, bank: Any) -> None:
    identifier = payable()
    buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
    bank.closing_refusal = Unavailable("down")
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        jobs.expire_unpaid_orders()
    assert status_of(identifier) == "initializing"


def expire_beside_its_attempt(identifier: str, buyer: Any, bank: Any) -> None:
    """The event's key at Stripe was revoked after the buyer got the intent: nobody can close it."""
    buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
    bank.closing_refusal = Unavailable("Card payments do not work right now.", code="provider-refuses-us")
    with clock.freeze(clock.now() + timedelta(minutes=15) + jobs.CLOSING_FOR + timedelta(seconds=1)):
        jobs.expire_unpaid_orders()
    assert status_of(identifier) == "expired"


def test_an_order_whose_attempt_cannot_be_closed_expires_all_the_same_and_payments_hears_of_it(
    payable: Any, buyer: Any, bank: Any, published: Any
) -> None:
    identifier = payable()
    expire_beside_its_attempt(identifier, buyer, bank)
    assert ("close", identifier) in bank.calls
    assert seats() == seat_rows() == {1: (0, 0)}
    [said] = published(orders_pb2.OrderExpired)  # payments closes by itself what it hears this of
    assert said.order.identifier == identifier


def test_money_of_an_attempt_that_could_not_be_closed_takes_the_seats_again(
    payable: Any, buyer: Any, bank: Any, published: Any
) -> None:
    identifier = payable()
    expire_beside_its_attempt(identifier, buyer, bank)
    for _ in range(2):
        hear_captured(captured_payment(identifier))
    assert status_of(identifier) == "completed"
    assert seats() == seat_rows() == {1: (0, 2)}
    assert len(published(orders_pb2.OrderPaid)) == 1
    assert published(orders_pb2.RefundRequested) == []


def test_money_of_an_attempt_that_could_not_be_closed_is_given_back_once_when_the_seats_are_sold(
    payable: Any, order: Any, buyer: Any, bank: Any, fair: Any, published: Any
) -> None:
    fair.limit(1, 2)
    identifier = payable()
    expire_beside_its_attempt(identifier, buyer, bank)
    order({"id": 1, "quantity": 1})
    for _ in range(2):
        hear_captured(captured_payment(identifier))
    assert status_of(identifier) == "expired"
    assert len(published(orders_pb2.RefundRequested)) == 1
    assert published(orders_pb2.OrderPaid) == []


@pytest.mark.parametrize("error", [Unavailable("down"), RuntimeError("a fault of ours")])
def test_orders_that_cannot_expire_keep_no_other_one_waiting(
    payable: Any, order: Any, buyer: Any, bank: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(jobs, "BATCH", 2)
    monkeypatch.setattr(jobs, "ASKED", 2)
    stuck = [payable(), payable()]
    later = payable()
    for each in (*stuck, later):
        buyer.post(f"/v1/orders/{each}/charge", json={"data": {"type": "charge"}})
    untouched = [order({"id": 2})["attributes"]["identifier"] for _ in range(3)]
    really = clients.close_attempt

    def close(identifier: str) -> payments_pb2.PaymentState:
        if identifier in stuck:
            raise error
        return really(identifier)

    monkeypatch.setattr(clients, "close_attempt", close)
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        jobs.expire_unpaid_orders()
    assert [status_of(each) for each in stuck] == ["initializing"] * 2
    assert [status_of(each) for each in (later, *untouched)] == ["expired"] * 4
