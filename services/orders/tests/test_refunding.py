"""What goes back: refunds of money and of what an organizer owes, and what the order shows of them."""

from typing import Any

from chassis import db as chassis_db
from proto.orders import orders_pb2
from proto.payments import payments_pb2
from services.orders import consumers
from services.orders.tests.fair import (
    captured_payment,
    charge_body,
    patch,
    seat_rows,
    seats,
    status_of,
    stored,
    uses,
)


def test_a_paid_order_is_cancelled_by_its_organizer_and_refunded_once(
    paid: Any, organizer: Any, buyer: Any, published: Any
) -> None:
    organizer.get("/v1/events/7/orders")
    placed = organizer.get(f"/v1/orders/{paid}").json()["data"]
    assert buyer.patch(f"/v1/orders/{paid}", json=patch(placed, status="cancelled")).status_code == 422
    for _ in range(2):
        answer = organizer.patch(f"/v1/orders/{paid}", json=patch(placed, status="cancelled", cancel_note="rain"))
        assert answer.status_code == 200, answer.text
    [refund] = published(orders_pb2.RefundRequested)
    assert (refund.amount_minor, refund.payment_id) == (0, stored(paid).payment_id)
    [said] = published(orders_pb2.OrderCancelled)
    assert (said.was_paid, said.note) == (True, "rain")
    assert seats() == {1: (0, 0)}
    consumers_refunded(refund, 10000)
    shown = organizer.get(f"/v1/orders/{paid}").json()["data"]["attributes"]
    assert (shown["refund-status"], shown["refunded-amount"]) == ("full", 100.0)


def consumers_refunded(refund: orders_pb2.RefundRequested, amount_minor: int, status: str = "succeeded") -> None:
    payment = captured_payment(refund.order_identifier, payment_id=refund.payment_id)
    message = payments_pb2.PaymentRefunded(
        refund_key=refund.refund_key, refund_id="re_1", payment=payment, amount_minor=amount_minor, status=status
    )
    chassis_db.run(lambda session: consumers.settle_refund(session, message))


def test_an_offline_order_that_was_paid_owes_its_refund_until_the_organizer_pays_it(
    payable: Any, organizer: Any, published: Any, client: Any
) -> None:
    identifier = payable("bank")
    organizer.get("/v1/events/7/orders")
    placed = organizer.get(f"/v1/orders/{identifier}").json()["data"]
    for status in ("completed", "cancelled"):
        assert organizer.patch(f"/v1/orders/{identifier}", json=patch(placed, status=status)).status_code == 200
    assert published(orders_pb2.RefundRequested) == []
    [owed] = organizer.get(f"/v1/orders/{identifier}/refunds").json()["data"]
    assert (owed["attributes"]["status"], owed["attributes"]["amount"]) == ("owed", 100.0)
    assert organizer.get(owed["links"]["self"]).json()["data"] == owed
    order = organizer.get(owed["relationships"]["order"]["links"]["related"]).json()["data"]
    assert order["attributes"]["identifier"] == identifier
    assert client.as_user(3).get(owed["links"]["self"]).status_code == 404
    paid, stale = patch(owed, "refund", status="paid"), {"If-Match": 'W/"old"'}
    assert organizer.patch(owed["links"]["self"], json=paid, headers=stale).status_code == 412
    assert organizer.get(owed["links"]["self"]).json()["data"] == owed
    settled = organizer.patch(f"/v1/refunds/{owed['id']}", json=paid)
    assert settled.json()["data"]["attributes"]["status"] == "paid"
    assert refund_status(organizer, identifier) == ("full", 100.0)


def test_a_part_of_offline_money_that_was_given_back_is_shown(payable: Any, organizer: Any) -> None:
    identifier = payable("bank")
    organizer.get("/v1/events/7/orders")
    placed = organizer.get(f"/v1/orders/{identifier}").json()["data"]
    assert organizer.patch(f"/v1/orders/{identifier}", json=patch(placed, status="completed")).status_code == 200
    assert organizer.post(f"/v1/orders/{identifier}/refund", json={"amount": 30}).status_code == 200
    assert refund_status(organizer, identifier) == ("none", 0.0)
    [owed] = organizer.get(f"/v1/orders/{identifier}/refunds").json()["data"]
    assert organizer.patch(f"/v1/refunds/{owed['id']}", json=patch(owed, "refund", status="paid")).status_code == 200
    assert refund_status(organizer, identifier) == ("partial", 30.0)


def test_a_placed_order_that_nobody_paid_owes_nothing(payable: Any, organizer: Any, buyer: Any) -> None:
    identifier = payable("bank")
    organizer.get("/v1/events/7/orders")
    placed = organizer.get(f"/v1/orders/{identifier}").json()["data"]
    for status in ("placed", "cancelled"):
        assert organizer.patch(f"/v1/orders/{identifier}", json=patch(placed, status=status)).status_code == 200
    assert organizer.get(f"/v1/orders/{identifier}/refunds").json()["data"] == []


def test_refunding_attendees_returns_their_seats_and_uses_and_voids_their_tickets(
    order: Any, buyer: Any, organizer: Any, bank: Any, fair: Any, published: Any
) -> None:
    fair.offer_code(uses=5)
    placed = order({"id": 1, "quantity": 3}, **{"discount-code": "9"})
    identifier = placed["attributes"]["identifier"]
    buyer.patch(f"/v1/orders/{identifier}", json=patch(placed, payment_mode="stripe"))
    buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="tok_visa"))
    organizer.get("/v1/events/7/orders")
    first = organizer.get(f"/v1/orders/{identifier}/attendees").json()["data"][0]["id"]
    answer = organizer.post(f"/v1/orders/{identifier}/refund", json={"attendees": [first], "reason": "ill"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["attributes"]["status"] == "completed"
    [refund] = published(orders_pb2.RefundRequested)
    assert refund.amount_minor == 4500
    [released] = published(orders_pb2.AttendeesReleased)
    assert list(released.attendee_ids) == [int(first)]
    coming = {each.id for each in released.order.attendees}
    assert (released.order.status, len(coming), int(first) in coming) == ("completed", 2, False)
    assert released.order.version == released.version
    assert (seats(), seat_rows(), uses()) == ({1: (0, 2)}, {1: (0, 2)}, 2)
    consumers_refunded(refund, 4500)
    shown = organizer.get(f"/v1/orders/{identifier}").json()["data"]["attributes"]
    assert (shown["refund-status"], shown["refunded-amount"]) == ("partial", 45.0)
    assert organizer.post(f"/v1/orders/{identifier}/refund", json={"attendees": [first]}).status_code == 404
    too_much = organizer.post(f"/v1/orders/{identifier}/refund", json={"amount": 90.01})
    assert (too_much.status_code, too_much.json()["errors"][0]["meta"]) == (422, {"refundable_minor": 9000})
    assert organizer.post(f"/v1/orders/{identifier}/refund", json={"amount": 90}).status_code == 200
    nothing = organizer.post(f"/v1/orders/{identifier}/refund", json={})
    assert (nothing.status_code, nothing.json()["errors"][0]["code"]) == (409, "nothing-to-refund")
    assert buyer.post(f"/v1/orders/{identifier}/refund", json={}).status_code == 403


def test_a_refund_that_failed_says_so(paid: Any, organizer: Any, published: Any) -> None:
    organizer.get("/v1/events/7/orders")
    organizer.post(f"/v1/orders/{paid}/refund", json={"amount": 10})
    [refund] = published(orders_pb2.RefundRequested)
    consumers_refunded(refund, 0, "failed")
    assert organizer.get(f"/v1/orders/{paid}").json()["data"]["attributes"]["refund-status"] == "failed"


def refund_status(organizer: Any, identifier: str) -> tuple[str, float]:
    shown = organizer.get(f"/v1/orders/{identifier}").json()["data"]["attributes"]
    return shown["refund-status"], shown["refunded-amount"]


def test_a_refund_that_came_back_gave_nothing_and_can_be_made_once_more(
    paid: Any, organizer: Any, published: Any
) -> None:
    organizer.get("/v1/events/7/orders")
    organizer.post(f"/v1/orders/{paid}/refund", json={})
    [refund] = published(orders_pb2.RefundRequested)
    consumers_refunded(refund, 10000)
    assert refund_status(organizer, paid) == ("full", 100.0)
    consumers_refunded(refund, 10000, "failed")  # the bank returned it days later
    assert refund_status(organizer, paid) == ("failed", 0.0)
    assert organizer.post(f"/v1/orders/{paid}/refund", json={}).status_code == 200
    consumers_refunded(published(orders_pb2.RefundRequested)[-1], 10000)
    assert refund_status(organizer, paid) == ("full", 100.0)


def test_a_refund_that_succeeds_after_one_that_failed_is_what_the_order_shows(
    paid: Any, organizer: Any, published: Any
) -> None:
    organizer.get("/v1/events/7/orders")
    for amount in (10, 20):
        organizer.post(f"/v1/orders/{paid}/refund", json={"amount": amount})
    first, second = published(orders_pb2.RefundRequested)
    consumers_refunded(first, 0, "failed")
    assert refund_status(organizer, paid) == ("failed", 0.0)
    consumers_refunded(second, 2000)
    assert refund_status(organizer, paid) == ("partial", 20.0)
    consumers_refunded(second, 2000, "failed")
    assert refund_status(organizer, paid) == ("failed", 0.0)


def test_an_order_that_was_refunded_revived_and_paid_again_can_be_refunded_again(
    paid: Any, organizer: Any, admin: Any, buyer: Any, bank: Any, published: Any
) -> None:
    organizer.get("/v1/events/7/orders")
    placed = organizer.get(f"/v1/orders/{paid}").json()["data"]
    assert organizer.patch(f"/v1/orders/{paid}", json=patch(placed, status="cancelled")).status_code == 200
    [first] = published(orders_pb2.RefundRequested)
    consumers_refunded(first, 10000)
    bank.closing = "refunded"
    assert admin.patch(f"/v1/orders/{paid}", json=patch(placed, status="pending")).status_code == 200
    bank.payment_ids.clear()  # payments opens a new attempt
    answer = buyer.post(f"/v1/orders/{paid}/charge", json=charge_body(stripe="tok_visa"))
    assert (answer.status_code, status_of(paid)) == (200, "completed")
    assert refund_status(organizer, paid) == ("none", 0.0)
    consumers_refunded(first, 10000)  # told once more, of money that is not the order's any longer
    assert refund_status(organizer, paid) == ("none", 0.0)
    assert organizer.patch(f"/v1/orders/{paid}", json=patch(placed, status="cancelled")).status_code == 200
    [_, second] = published(orders_pb2.RefundRequested)
    assert (second.payment_id, second.amount_minor) == (stored(paid).payment_id, 0)
    consumers_refunded(second, 10000)
    assert refund_status(organizer, paid) == ("full", 100.0)
