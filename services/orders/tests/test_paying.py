"""Money reaches its order once: charges, verifies, messages, expiry, late and wrong captures."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from chassis import clock, idempotency
from chassis import db as chassis_db
from chassis.db import transaction
from chassis.errors import Unavailable, Unprocessable
from proto.orders import orders_pb2
from proto.payments import payments_pb2
from services.orders import clients, consumers, jobs
from services.orders.tests.fair import (
    captured_payment,
    change,
    charge_body,
    hear_captured,
    patch,
    seat_rows,
    seats,
    status_of,
    stored,
    uses,
)
from services.orders.tests.test_orders import attendee_body, order_body


def test_a_charge_completes_the_order_and_shows_it(payable: Any, buyer: Any, bank: Any, published: Any) -> None:
    identifier = payable()
    answer = buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="tok_visa"))
    assert answer.status_code == 200
    document = answer.json()
    assert document["data"]["type"] == "charge"
    assert document["data"]["attributes"]["status"] is True
    assert document["data"]["relationships"]["order"]["data"]["id"] == document["included"][0]["id"]
    attributes = document["included"][0]["attributes"]
    assert (attributes["status"], attributes["last4"], attributes["paid-via"]) == ("completed", "4242", "stripe")
    assert seats() == seat_rows() == {1: (0, 2)}
    [said] = published(orders_pb2.OrderPaid)
    assert said.order.invoice_number == "FA1R0000-000001"


def test_a_capture_that_comes_twice_completes_once(paid: Any, published: Any) -> None:
    hear_captured(captured_payment(paid, payment_id=stored(paid).payment_id))
    assert len(published(orders_pb2.OrderPaid)) == 1
    assert published(orders_pb2.RefundRequested) == []


def test_the_message_alone_completes_the_order(payable: Any, bank: Any, published: Any) -> None:
    identifier = payable()
    hear_captured(captured_payment(identifier))
    hear_captured(captured_payment(identifier))
    assert status_of(identifier) == "completed"
    assert len(published(orders_pb2.OrderPaid)) == 1


def test_a_decline_leaves_the_order_payable(payable: Any, buyer: Any, bank: Any) -> None:
    identifier = payable()
    for way in ("state", "error"):
        bank.outcome = "declined" if way == "state" else "captured"
        bank.refusal = (
            Unprocessable("Your card was declined.", code="card_declined", meta={"decline-code": "insufficient_funds"})
            if way == "error"
            else None
        )
        answer = buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="tok_no"))
        [error] = answer.json()["errors"]
        assert answer.status_code == 422
        assert (error["code"], error["detail"]) == ("card_declined", "Your card was declined.")
        assert (error["meta"], "source" in error) == ({"decline-code": "insufficient_funds"}, False)
        assert status_of(identifier) == "initializing"
    bank.outcome, bank.refusal = "captured", None
    assert buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="tok_visa")).status_code == 200


def test_an_unknown_outcome_is_202_and_holds_expiry_off_until_it_is_known(payable: Any, buyer: Any, bank: Any) -> None:
    identifier = payable()
    bank.outcome = "unknown"
    answer = buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="tok_visa"))
    assert (answer.status_code, answer.json()["data"]["attributes"]["status"]) == (202, False)
    change(identifier, expires_at=clock.now() - timedelta(seconds=1))
    jobs.expire_unpaid_orders()
    assert status_of(identifier) == "initializing"
    hear_captured(captured_payment(identifier))
    assert status_of(identifier) == "completed"


@pytest.mark.parametrize(("opened_after_seconds", "is_released"), [(1, True), (-60, False)])
def test_the_mark_of_a_dead_charge_goes_with_its_attempt_and_that_of_a_later_one_stays(
    payable: Any, opened_after_seconds: int, is_released: bool
) -> None:
    identifier, began = payable(), clock.now()
    change(identifier, attempted_at=began, charging_by="dead", charging_until=began + timedelta(minutes=2))
    failed = payments_pb2.PaymentState(order_identifier=identifier, payment_id="p", status="closed")
    failed.opened_at.FromDatetime(began + timedelta(seconds=opened_after_seconds))
    message = payments_pb2.PaymentFailed(payment=failed)
    chassis_db.run(lambda session: consumers.release_charge(session, message))
    assert (stored(identifier).charging_by is None, stored(identifier).charging_until is None) == (is_released,) * 2


@pytest.mark.parametrize(("began_seconds_ago", "status"), [(20, 409), (36, 200)])
def test_the_mark_of_a_request_that_died_locks_the_buyer_out_no_longer_than_its_call_could_take(
    payable: Any, buyer: Any, bank: Any, began_seconds_ago: int, status: int
) -> None:
    """Payments may never have heard of it: then nobody else would take the mark away for two minutes."""
    identifier, began = payable(), clock.now() - timedelta(seconds=began_seconds_ago)
    change(identifier, attempted_at=began, charging_by="dead", charging_until=began + timedelta(minutes=2))
    answer = buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="tok_visa"))
    assert answer.status_code == status
    assert [what for what, _ in bank.calls] == ["charge"] * (status == 200)
    assert status_of(identifier) == ("completed" if status == 200 else "initializing")


@pytest.mark.parametrize(("outcome", "status"), [("captured", 200), ("declined", 422), ("unknown", 202), ("down", 503)])
@pytest.mark.parametrize("is_committed", [False, True])
def test_how_a_charge_ended_is_written_although_the_database_restarts(
    payable: Any, buyer: Any, bank: Any, monkeypatch: pytest.MonkeyPatch, outcome: str, status: int, is_committed: bool
) -> None:
    """Guard: `persist`. Otherwise the mark stays, and the buyer hears 409 until it lapses."""
    identifier = payable()
    bank.outcome = outcome
    bank.refusal = Unavailable("down") if outcome == "down" else None
    real, failures = chassis_db.run, [2]

    def run(work: Callable[[Any], Any]) -> Any:
        if bank.calls and failures[0]:
            failures[0] -= 1
            if is_committed:  # and only the answer was lost
                real(work)
            raise Unavailable("The database does not answer.")
        return real(work)

    monkeypatch.setattr(chassis_db, "run", run)
    answer = buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="tok_visa"))
    assert (answer.status_code, failures) == (status, [0])
    assert stored(identifier).charging_by is None
    assert status_of(identifier) == ("completed" if outcome == "captured" else "initializing")


def test_payments_being_down_is_503_and_the_charge_can_be_repeated(payable: Any, buyer: Any, bank: Any) -> None:
    identifier = payable()
    bank.refusal = Unavailable("down")
    answer = buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="tok_visa"))
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    bank.refusal = None
    assert buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="tok_visa")).status_code == 200


def test_without_a_token_stripe_answers_an_intent_for_the_client(payable: Any, buyer: Any, bank: Any) -> None:
    identifier = payable()
    answer = buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
    attributes = answer.json()["data"]["attributes"]
    assert answer.status_code == 200
    assert "pi_1_secret" in attributes["message"]
    verified = buyer.post(f"/v1/orders/{identifier}/verify")
    assert verified.json() == {
        "status": True,
        "payment-status": "captured",
        "order-status": "completed",
        "message": None,
    }
    assert buyer.post(f"/v1/orders/{identifier}/verify").json()["status"] is True
    assert [what for what, _ in bank.calls] == ["start", "verify"]


def test_an_intents_secret_is_stored_nowhere_and_the_repeat_with_its_key_gets_it_anew(
    payable: Any, buyer: Any, bank: Any
) -> None:
    identifier = payable()
    body, headers = {"data": {"type": "charge"}}, {"Idempotency-Key": "intent"}
    answers = [buyer.post(f"/v1/orders/{identifier}/charge", json=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "pi_1_secret" in answers[0].text
    assert answers[0].json() == answers[1].json()
    assert [what for what, _ in bank.calls] == ["start", "start"]
    with transaction() as db:
        kept = db.execute(select(idempotency.answers.c.body)).scalars().all()
    assert kept == []
    bank.payment_ids[identifier] = "paid-by-the-browser"
    hear_captured(captured_payment(identifier, payment_id="paid-by-the-browser"))
    again = buyer.post(f"/v1/orders/{identifier}/charge", json=body, headers=headers)
    assert again.json()["data"]["attributes"] == {"status": True, "message": "The order is paid."}


def test_an_empty_stripe_token_is_refused(payable: Any, buyer: Any, bank: Any) -> None:
    identifier = payable()
    for token in ("", None):
        refused = buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe=token))
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "stripe-token-missing")
    assert bank.calls == []


def test_what_cannot_be_charged(payable: Any, order: Any, buyer: Any, bank: Any, fair: Any) -> None:
    identifier = payable()
    for status in ("cancelled", "expired", "completed", "placed"):
        change(identifier, status=status)
        refused = buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="tok_visa"))
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "order-not-payable")
    change(identifier, status="pending", expires_at=clock.now() - timedelta(seconds=1))
    assert buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="t")).status_code == 409
    change(identifier, expires_at=clock.now() + timedelta(hours=1), payment_mode=None)
    assert buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="t")).status_code == 422
    free = order({"id": 3})["attributes"]["identifier"]
    refused = buyer.post(f"/v1/orders/{free}/charge", json=charge_body(stripe="t"))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "nothing-to-pay")
    assert bank.calls == []


def test_who_would_not_take_the_answer_is_not_charged(payable: Any, buyer: Any, bank: Any) -> None:
    identifier = payable()
    body, headers = charge_body(stripe="tok_visa"), {"Accept": "text/html"}
    assert buyer.post(f"/v1/orders/{identifier}/charge", json=body, headers=headers).status_code == 406
    assert (bank.calls, status_of(identifier)) == ([], "initializing")


def test_strangers_neither_charge_nor_verify_nor_open_payments(payable: Any, client: Any, bank: Any) -> None:
    identifier = payable()
    for name in ("charge", "verify", "create-paypal-payment"):
        body = charge_body() if name == "charge" else {}
        assert client.as_user(2).post(f"/v1/orders/{identifier}/{name}", json=body).status_code == 404
    assert bank.calls == []


def test_paypal_gives_its_approval_url_and_opens_payments_for_its_button(payable: Any, buyer: Any, bank: Any) -> None:
    identifier = payable("paypal")
    shown = buyer.get(f"/v1/orders/{identifier}").json()["data"]["attributes"]
    assert shown["payment-url"] == "https://paypal.example/approve"
    answer = buyer.post(
        f"/v1/orders/{identifier}/create-paypal-payment",
        json={"data": {"type": "paypal-payment", "attributes": {"return-url": "https://evil.example"}}},
        headers={"Content-Type": "application/json"},
    )
    assert answer.json()["payment_id"] == "PAY-1"
    body = charge_body(stripe=None, paypal_payer_id="P", paypal_payment_id="PAY-1")
    paid = buyer.post(f"/v1/orders/{identifier}/charge", json=body)
    assert paid.json()["data"]["attributes"]["status"] is True


@pytest.mark.parametrize(("mode", "url"), [("stripe", "stripe://payment"), ("bank", None), ("onsite", None)])
def test_what_is_not_paid_online_has_no_page_to_pay_at(
    payable: Any, buyer: Any, bank: Any, mode: str, url: str | None
) -> None:
    assert buyer.get(f"/v1/orders/{payable(mode)}").json()["data"]["attributes"]["payment-url"] == url
    assert bank.calls == []


def test_a_mode_that_the_event_does_not_take_is_refused_and_changes_nothing(order: Any, buyer: Any) -> None:
    placed = order({"id": 1})
    identifier = placed["attributes"]["identifier"]
    refused = buyer.patch(f"/v1/orders/{identifier}", json=patch(placed, payment_mode="cheque", city="Rome"))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "payment-mode-disabled")
    assert (stored(identifier).payment_mode, stored(identifier).city) == (None, None)


def test_paypal_being_down_leaves_an_order_without_url_that_can_be_asked_for_again(
    payable: Any, buyer: Any, bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as outage:
        outage.setattr(clients, "start_payment", _down)
        identifier = payable("paypal")
    assert buyer.get(f"/v1/orders/{identifier}").json()["data"]["attributes"]["payment-url"] is None
    again = buyer.get(f"/v1/orders/{identifier}?regenerate").json()["data"]["attributes"]
    assert again["payment-url"] == "https://paypal.example/approve"


def test_an_order_whose_paypal_page_did_not_open_can_be_charged_at_once(
    payable: Any, buyer: Any, bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chaos seed 12.26: payments was replaced in this moment, and the order was “being charged” for two minutes."""
    with monkeypatch.context() as outage:
        outage.setattr(clients, "start_payment", _down)
        identifier = payable("paypal")
    assert buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body()).status_code == 200


def _down(_request: Any) -> Any:
    raise Unavailable("PayPal is down")


def test_a_repeated_order_by_paypal_gives_the_first_answer_with_its_url(buyer: Any, bank: Any, fair: Any) -> None:
    attendee = buyer.post("/v1/attendees", json=attendee_body(1)).json()["data"]["id"]
    body, key = order_body(attendee, payment_mode="paypal"), {"Idempotency-Key": "paypal"}
    answers = [buyer.post("/v1/orders", json=body, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["data"]["attributes"]["payment-url"] == "https://paypal.example/approve"
    assert answers[0].content == answers[1].content


def test_unpaid_orders_expire_and_their_seats_and_uses_return(order: Any, fair: Any, published: Any) -> None:
    fair.offer_code(uses=2)
    placed = order({"id": 1, "quantity": 2}, **{"discount-code": "9"})
    identifier = placed["attributes"]["identifier"]
    jobs.expire_unpaid_orders()
    assert status_of(identifier) == "initializing"
    with clock.freeze(clock.now() + timedelta(minutes=15, seconds=1)):
        jobs.expire_unpaid_orders()
        jobs.expire_unpaid_orders()
    assert status_of(identifier) == "expired"
    assert (seats(), seat_rows(), uses()) == ({1: (0, 0)}, {1: (0, 0)}, 0)
    assert len(published(orders_pb2.OrderExpired)) == 1


def test_pending_orders_have_half_an_hour_more_and_placed_ones_for_ever(order: Any, buyer: Any, organizer: Any) -> None:
    organizer.get("/v1/events/7/orders")
    pending, placed = order({"id": 1}), order({"id": 1})
    for each, status in ((pending, "pending"), (placed, "placed")):
        path = f"/v1/orders/{each['attributes']['identifier']}"
        assert organizer.patch(path, json=patch(each, status=status)).status_code == 200
    with clock.freeze(clock.now() + timedelta(minutes=44)):
        jobs.expire_unpaid_orders()
        assert status_of(pending["attributes"]["identifier"]) == "pending"
    with clock.freeze(clock.now() + timedelta(minutes=46)):
        jobs.expire_unpaid_orders()
    assert status_of(pending["attributes"]["identifier"]) == "expired"
    assert status_of(placed["attributes"]["identifier"]) == "placed"


def test_late_money_takes_the_seats_again_when_they_are_free(payable: Any, fair: Any, published: Any) -> None:
    identifier = payable()
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        jobs.expire_unpaid_orders()
    assert seats() == {1: (0, 0)}
    hear_captured(captured_payment(identifier))
    assert status_of(identifier) == "completed"
    assert seats() == seat_rows() == {1: (0, 2)}
    assert published(orders_pb2.RefundRequested) == []


def test_late_money_is_given_back_once_when_the_seats_are_sold(
    payable: Any, order: Any, fair: Any, published: Any
) -> None:
    fair.limit(1, 2)
    identifier = payable()
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        jobs.expire_unpaid_orders()
    order({"id": 1, "quantity": 1})
    for _ in range(3):
        hear_captured(captured_payment(identifier))
    assert status_of(identifier) == "expired"
    assert stored(identifier).captured_minor == 0
    [refund] = published(orders_pb2.RefundRequested)
    assert (refund.payment_id, refund.amount_minor) == (f"pay-{identifier[:8]}", 0)
    assert seats() == seat_rows() == {1: (1, 0)}
    assert published(orders_pb2.OrderPaid) == []


@pytest.mark.parametrize("wrong", [{"amount_minor": 9999}, {"currency": "USD"}])
def test_wrong_money_is_given_back_and_the_order_stays_payable(
    payable: Any, buyer: Any, bank: Any, published: Any, wrong: Any
) -> None:
    identifier = payable()
    for _ in range(2):
        hear_captured(captured_payment(identifier, payment_id="wrong", **wrong))
    assert status_of(identifier) == "initializing"
    assert len(published(orders_pb2.RefundRequested)) == 1
    assert buyer.post(f"/v1/orders/{identifier}/charge", json=charge_body(stripe="tok_visa")).status_code == 200


def test_a_second_payment_of_a_paid_order_is_given_back(paid: Any, published: Any) -> None:
    hear_captured(captured_payment(paid, payment_id="second"))
    [refund] = published(orders_pb2.RefundRequested)
    assert refund.payment_id == "second"
    assert stored(paid).payment_id != "second"


def test_money_for_a_cancelled_order_is_given_back(payable: Any, buyer: Any, bank: Any, published: Any) -> None:
    identifier = payable()
    placed = buyer.get(f"/v1/orders/{identifier}").json()["data"]
    assert buyer.patch(f"/v1/orders/{identifier}", json=patch(placed, status="cancelled")).status_code == 200
    hear_captured(captured_payment(identifier))
    assert status_of(identifier) == "cancelled"
    assert len(published(orders_pb2.RefundRequested)) == 1


def test_a_repeated_charge_with_its_key_hears_that_it_succeeded(paid: Any, buyer: Any, bank: Any) -> None:
    headers = {"Idempotency-Key": "lost-answer"}
    again = buyer.post(f"/v1/orders/{paid}/charge", json=charge_body(stripe="tok_visa"), headers=headers)
    assert (again.status_code, again.json()["data"]["attributes"]["status"]) == (200, True)
    assert [what for what, _ in bank.calls] == ["charge"]


def test_loose_attendees_are_forgotten(buyer: Any, fair: Any) -> None:
    body = {
        "data": {
            "type": "attendee",
            "relationships": {
                "event": {"data": {"type": "event", "id": "7"}},
                "ticket": {"data": {"type": "ticket", "id": "1"}},
            },
        }
    }
    attendee = buyer.post("/v1/attendees", json=body).json()["data"]["id"]
    with clock.freeze(clock.now() + timedelta(minutes=61)):
        jobs.delete_loose_attendees()
    assert buyer.get(f"/v1/attendees/{attendee}").status_code == 404
