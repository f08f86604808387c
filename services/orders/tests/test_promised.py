"""Sentences of the rules (docs/rules.md) that no other test here would miss."""

import logging
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from chassis import clock
from chassis import db as chassis_db
from chassis.errors import Unprocessable
from proto.orders import orders_pb2
from services.orders import jobs
from services.orders.models import Attendee
from services.orders.tests.fair import (
    EVENT,
    captured_payment,
    change,
    charge_body,
    hear_captured,
    patch,
    seat_rows,
    seats,
    status_of,
    stored,
)
from services.orders.tests.test_orders import attendee_body, order_body

BUYERS: dict[str, Any] = {
    "country": "DE",
    "address": "Street 1",
    "city": "Berlin",
    "state": "BE",
    "zipcode": "10115",
    "company": "Fair Ltd",
    "tax-business-info": "DE1",
    "is-billing-enabled": True,
    "order-notes": "Two wheelchairs.",
}
SERVERS = {
    "amount": 1,
    "identifier": "mine",
    "transaction-id": "mine",
    "paid-via": "mine",
    "last4": "0000",
    "created-at": "2020-01-01T00:00:00Z",
    "refund-status": "full",
    "invoice-number": "mine",
    "discount-amount": 99,
}


def path_of(order: Any) -> str:
    return f"/v1/orders/{order['attributes']['identifier']}"


def fill_in(client: Any, order: Any) -> None:
    for attendee in client.get(f"{path_of(order)}/attendees").json()["data"]:
        body = patch(attendee, "attendee", firstname="Ann", lastname="Lee", email="ann@example.com")
        assert client.patch(f"/v1/attendees/{attendee['id']}", json=body).status_code == 200


def test_a_free_cart_waits_for_its_attendees_too(buyer: Any, order: Any) -> None:
    placed = order({"id": 3})
    assert (placed["attributes"]["status"], placed["attributes"]["amount"]) == ("initializing", 0)
    refused = buyer.patch(path_of(placed), json=patch(placed, status="completed"))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "fields-missing")
    fill_in(buyer, placed)
    answer = buyer.patch(path_of(placed), json=patch(placed, status="completed"))
    assert answer.json()["data"]["attributes"]["status"] == "completed"


@pytest.mark.parametrize("status", ["initializing", "pending"])
def test_a_buyer_changes_these_attributes_and_no_other(buyer: Any, order: Any, status: str) -> None:
    placed = order({"id": 1})
    change(placed["attributes"]["identifier"], status=status)
    before = buyer.get(path_of(placed)).json()["data"]["attributes"]
    document = {"data": {"type": "order", "id": placed["id"], "attributes": {**BUYERS, **SERVERS}}}
    answer = buyer.patch(path_of(placed), json=document)
    assert answer.status_code == 200, answer.text
    after = answer.json()["data"]["attributes"]
    assert {name: after[name] for name in BUYERS} == BUYERS
    assert {name: after.get(name) for name in SERVERS} == {name: before.get(name) for name in SERVERS}


@pytest.mark.parametrize("status", ["placed", "completed", "expired", "cancelled"])
def test_from_then_on_a_buyer_changes_nothing(buyer: Any, order: Any, status: str) -> None:
    placed = order({"id": 1})
    change(placed["attributes"]["identifier"], status=status)
    buyer.patch(path_of(placed), json=patch(placed, **BUYERS, payment_mode="bank"))
    row = stored(placed["attributes"]["identifier"])
    assert [row.city, row.company, row.order_notes, row.payment_mode] == [None] * 4


def test_expiry_releases_attendees_and_keeps_them(buyer: Any, order: Any) -> None:
    placed = order({"id": 1, "quantity": 2})
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        jobs.expire_unpaid_orders()
    with Session(chassis_db.engine()) as db:
        rows = db.execute(sa.select(Attendee.seat, Attendee.deleted_at)).all()
    assert [tuple(row) for row in rows] == [("released", None)] * 2
    assert len(buyer.get(f"{path_of(placed)}/attendees").json()["data"]) == 2


def test_an_organizers_completed_order_never_exceeds_the_capacity(
    organizer: Any, fair: Any, order: Any, published: Any
) -> None:
    fair.limit(1, 1)
    attendee = organizer.post("/v1/attendees", json=attendee_body(1)).json()["data"]["id"]
    order({"id": 1})
    body = order_body(attendee, amount=0, status="completed", payment_mode="bank")
    refused = organizer.post("/v1/orders", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "sold-out")
    assert seats() == seat_rows() == {1: (1, 0)}
    assert published(orders_pb2.OrderPaid) == []


def test_without_an_amount_an_organizer_pays_the_list_price(order: Any, organizer: Any, fair: Any) -> None:
    fair.offer_code(uses=1)
    placed = order({"id": 1, "quantity": 2}, client=organizer, **{"discount-code": "9"})
    assert placed["attributes"]["amount"] == 100.0


def test_what_an_admin_changes_is_logged_without_personal_data(
    admin: Any, buyer: Any, order: Any, caplog: pytest.LogCaptureFixture
) -> None:
    placed = order({"id": 1})
    with caplog.at_level(logging.INFO, "services.orders.api.orders"):
        buyer.patch(path_of(placed), json=patch(placed, city="Oslo"))
        admin.patch(path_of(placed), json=patch(placed, status="placed", company="ACME"))
    [record] = [each for each in caplog.records if each.message == "an admin changed an order"]
    said = vars(record)
    assert (said["order"], said["by"], said["status"]) == (placed["attributes"]["identifier"], 99, "placed")
    assert said["fields"] == ["company", "status"]
    assert "ACME" not in str(said)


def test_the_amount_is_frozen_once_a_payment_exists(admin: Any, buyer: Any, order: Any, bank: Any) -> None:
    placed = order({"id": 1})
    buyer.patch(path_of(placed), json=patch(placed, payment_mode="stripe"))
    buyer.post(f"{path_of(placed)}/charge", json=charge_body(stripe="tok_visa"))
    refused = admin.patch(path_of(placed), json=patch(placed, amount=1, company="ACME"))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "amount-frozen")
    row = stored(placed["attributes"]["identifier"])
    assert (row.amount_minor, row.company) == (5000, None)


def test_deleting_a_paid_order_frees_its_seats_and_refunds_it_once(
    admin: Any, buyer: Any, order: Any, bank: Any, published: Any
) -> None:
    placed = order({"id": 1})
    buyer.patch(path_of(placed), json=patch(placed, payment_mode="stripe"))
    buyer.post(f"{path_of(placed)}/charge", json=charge_body(stripe="tok_visa"))
    for _ in range(2):
        admin.delete(path_of(placed), json={"data": {"attributes": {"cancel-note": "flood"}}})
    [refund] = published(orders_pb2.RefundRequested)
    assert (refund.amount_minor, refund.order_identifier) == (0, placed["attributes"]["identifier"])
    [said] = published(orders_pb2.OrderCancelled)
    assert (said.note, said.was_paid, said.deleted) == ("flood", True, True)
    assert seats() == seat_rows() == {1: (0, 0)}
    row = stored(placed["attributes"]["identifier"])
    assert (row.amount_minor, row.captured_minor) == (5000, 5000), "it stays in the books"


def test_a_cancelling_note_has_at_most_five_hundred_characters(admin: Any, buyer: Any, order: Any) -> None:
    placed = order({"id": 1})
    long = "x" * 501
    assert admin.delete(f"{path_of(placed)}?cancel-note={long}").status_code in (400, 422)
    for body in ({"cancel-note": long}, {"data": {"attributes": {"cancel-note": long}}}):
        assert admin.delete(path_of(placed), json=body).status_code == 422
    assert buyer.patch(path_of(placed), json=patch(placed, status="cancelled", cancel_note=long)).status_code == 422
    assert status_of(placed["attributes"]["identifier"]) == "initializing"


def test_a_loose_attendee_is_shown_to_those_who_run_its_event(buyer: Any, organizer: Any, client: Any) -> None:
    made = buyer.post("/v1/attendees", json=attendee_body(1)).json()["data"]["id"]
    organizer.get(f"/v1/events/{EVENT}/orders")
    assert organizer.get(f"/v1/attendees/{made}").status_code == 200
    assert client.as_user(2).get(f"/v1/attendees/{made}").status_code == 404


def test_an_exhausted_code_is_named_before_what_comes_after_it(buyer: Any, order: Any, fair: Any) -> None:
    fair.offer_code(uses=1)
    order({"id": 1}, **{"discount-code": "9"})
    fair.refusal = Unprocessable("Not for this ticket.", code="discount-wrong-ticket")
    for path in ("create-order", "calculate-amount"):
        refused = buyer.post(f"/v1/orders/{path}", json={"tickets": [{"id": 2}], "discount-code": "9"})
        assert refused.json()["errors"][0]["code"] == "discount-exhausted"
    fair.refusal = Unprocessable("Switched off.", code="discount-inactive")
    refused = buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 2}], "discount-code": "9"})
    assert refused.json()["errors"][0]["code"] == "discount-inactive"


def test_an_order_that_exists_is_paid_and_refunded_while_selling_is_off(
    buyer: Any, organizer: Any, order: Any, fair: Any, bank: Any, published: Any
) -> None:
    placed = order({"id": 1})
    fill_in(buyer, placed)
    fair.refusal = Unprocessable("Payments are switched off.", code="module-off")
    assert buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 1}]}).status_code == 422
    assert buyer.patch(path_of(placed), json=patch(placed, payment_mode="stripe", status="pending")).status_code == 200
    assert buyer.post(f"{path_of(placed)}/charge", json=charge_body(stripe="tok_visa")).status_code == 200
    assert organizer.post(f"{path_of(placed)}/refund", json={}).status_code == 200
    assert len(published(orders_pb2.RefundRequested)) == 1


def test_a_charge_marks_the_order_for_two_minutes(buyer: Any, order: Any, bank: Any) -> None:
    placed = order({"id": 1})
    identifier = placed["attributes"]["identifier"]
    buyer.patch(path_of(placed), json=patch(placed, payment_mode="stripe"))
    bank.outcome = "unknown"
    began = clock.now()
    buyer.post(f"{path_of(placed)}/charge", json=charge_body(stripe="tok_visa"))
    marked_for = stored(identifier).charging_until - began  # type: ignore[operator]
    assert timedelta(minutes=2) <= marked_for < timedelta(minutes=2, seconds=30)
    refused = buyer.patch(path_of(placed), json=patch(placed, status="cancelled"))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "charge-in-progress")
    assert refused.headers["retry-after"]


def test_offline_orders_have_no_payment_url(buyer: Any, order: Any) -> None:
    placed = order({"id": 1})
    fill_in(buyer, placed)
    answer = buyer.patch(path_of(placed), json=patch(placed, status="placed", payment_mode="bank"))
    assert answer.json()["data"]["attributes"]["payment-url"] is None


def test_there_is_no_fee(client: Any, fair: Any) -> None:
    quote = client.post("/v1/orders/calculate-amount", json={"tickets": [{"id": 1, "quantity": 2}, {"id": 2}]}).json()
    assert [line["ticket_fee"] for line in quote["tickets"]] == [0, 0]
    assert quote["total"] == sum(line["price"] * line["quantity"] for line in quote["tickets"]) == 120.5


def test_statistics_never_add_currencies(organizer: Any, order: Any) -> None:
    order({"id": 1})
    change(order({"id": 2})["attributes"]["identifier"], currency="JPY")
    sales = organizer.get(f"/v1/events/{EVENT}/order-statistics").json()["data"]["attributes"]["sales"]
    assert (sales["initializing"], sales["total"]) == (50, 50)


def test_money_that_came_twice_goes_back_once(order: Any, buyer: Any, bank: Any, published: Any) -> None:
    placed = order({"id": 1})
    identifier = placed["attributes"]["identifier"]
    buyer.patch(path_of(placed), json=patch(placed, payment_mode="stripe"))
    buyer.post(f"{path_of(placed)}/charge", json=charge_body(stripe="tok_visa"))
    for _ in range(3):
        hear_captured(captured_payment(identifier, payment_id="second"))
    assert [each.payment_id for each in published(orders_pb2.RefundRequested)] == ["second"]
