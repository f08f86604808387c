"""Bad days of paying: each ends in exactly one charge or none, and the order says which."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import requests

from local.api import Api
from tests.journey.stage import OnSale, Stage, code_of, eventually, number


def payable(stage: Stage, mode: str = "stripe", event: OnSale | None = None) -> tuple[Api, dict[str, Any], OnSale]:
    event = event or stage.on_sale()
    buyer = stage.person()
    order = stage.order(buyer, event)
    stage.fill_in(buyer, order)
    return buyer, stage.choose(buyer, order, mode), event


def charges(stage: Stage, order: dict[str, Any]) -> int:
    return len(stage.stripe_books(order)["charges"])


def refunds(stage: Stage, order: dict[str, Any]) -> list[int]:
    return [refund["amount"] for refund in stage.stripe_books(order)["refunds"]]


def test_a_decline_leaves_the_order_payable(stage: Stage) -> None:
    buyer, order, _ = payable(stage)
    declined = stage.charge(buyer, order, "tok_chargeDeclined")
    assert (declined.status_code, code_of(declined)) == (422, "card_declined")
    assert (stage.status(buyer, order), charges(stage, order)) == ("pending", 0)
    assert stage.charge(buyer, order, "tok_visa").status_code == 200
    assert (stage.status(buyer, order), charges(stage, order)) == ("completed", 1)


def test_a_lost_answer_of_the_provider_is_settled_and_charged_once(stage: Stage) -> None:
    buyer, order, _ = payable(stage)
    stage.fault("stripe", fault="lose-answer", method="POST", path="/v1/payment_intents*")
    answer = stage.charge(buyer, order)
    assert answer.status_code in (200, 202), answer.text
    stage.becomes(buyer, order, "completed", within_seconds=30)
    assert charges(stage, order) == 1


def test_charging_twice_charges_once(stage: Stage) -> None:
    buyer, order, _ = payable(stage)
    assert stage.charge(buyer, order).status_code == 200
    again = stage.charge(buyer, order)
    assert (again.status_code, code_of(again)) == (409, "order-not-payable")
    assert charges(stage, order) == 1


def test_two_clicks_at_once_charge_once(stage: Stage) -> None:
    buyer, order, _ = payable(stage)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: stage.charge(buyer, order), range(4)))
    assert {answer.status_code for answer in answers} <= {200, 202, 409}
    stage.becomes(buyer, order, "completed")
    assert charges(stage, order) == 1


def test_two_tabs_with_two_modes_pay_once(stage: Stage) -> None:
    buyer, order, _ = payable(stage, "paypal")
    approval = buyer.get(f"/v1/orders/{number(order)}")["data"]["attributes"]["payment-url"]
    stage.choose(buyer, order, "stripe")
    assert stage.charge(buyer, order).status_code == 200
    requests.get(approval, allow_redirects=False, timeout=10)
    stage.charge(buyer, order, None)
    assert (stage.status(buyer, order), charges(stage, order)) == ("completed", 1)
    books = requests.get(f"{stage.system.paypal_url}/_control/books", timeout=10).json()
    assert [sale for sale in books["sales"] if number(order) in str(sale)] == []


def test_a_crash_between_the_provider_and_our_database_charges_once(stage: Stage) -> None:
    buyer, order, _ = payable(stage)
    stage.fault("stripe", fault="delay", when="after", seconds=2, method="POST", path="/v1/payment_intents*")
    payments = stage.system.parts["payments"]
    with ThreadPoolExecutor(1) as pool:
        charging = pool.submit(stage.charge, buyer, order)
        time.sleep(1)
        payments.kill()
        payments.start()
        assert charging.result().status_code in (200, 202, 503)
    payments.wait_ready(time.monotonic() + 90)
    stage.becomes(buyer, order, "completed", within_seconds=60)
    assert (charges(stage, order), refunds(stage, order)) == (1, [])


def test_webhooks_alone_complete_an_order_whose_answer_was_lost(stage: Stage) -> None:
    buyer, order, _ = payable(stage)
    orders = stage.system.parts["orders"]
    stage.fault("stripe", fault="delay", when="after", seconds=1, method="POST", path="/v1/payment_intents*")
    with ThreadPoolExecutor(1) as pool:
        charging = pool.submit(stage.charge, buyer, order)
        time.sleep(0.5)
        orders.kill()
        orders.start()
        charging.result()
    orders.wait_ready(time.monotonic() + 90)
    stage.becomes(buyer, order, "completed", within_seconds=60)
    assert charges(stage, order) == 1


def expire(stage: Stage, order: dict[str, Any]) -> None:
    """Turns the order's clock back, so that the job finds it."""
    stage.rows(
        "orders",
        "UPDATE orders SET expires_at = %s WHERE identifier = %s",
        datetime(2020, 1, 1, tzinfo=UTC),
        number(order),
    )


def seats_left(stage: Stage, event: OnSale) -> int:
    answer = stage.nobody.send("GET", f"/v1/events/{event.identifier}/tickets/availability")
    found: int = answer.json()[0]["available"]
    return found


def test_an_unpaid_order_expires_and_its_seats_return(stage: Stage) -> None:
    buyer, order, event = payable(stage, event=stage.on_sale({"Seat": {"type": "paid", "price": 20, "quantity": 5}}))
    assert seats_left(stage, event) == 4
    expire(stage, order)
    stage.becomes(buyer, order, "expired", within_seconds=90)
    assert seats_left(stage, event) == 5
    refused = stage.charge(buyer, order)
    assert (refused.status_code, charges(stage, order)) == (409, 0)


def test_cancelling_a_paid_order_refunds_once(stage: Stage) -> None:
    event = stage.on_sale()
    buyer = stage.person()
    order = stage.paid_order(buyer, event)
    stage.has_pdfs(buyer, order)
    event.organizer.change(
        f"/v1/orders/{number(order)}", "order", order["id"], {"status": "cancelled", "cancel-note": "It will rain."}
    )
    eventually(lambda: refunds(stage, order) == [2000], what="the refund", within_seconds=30)
    note = stage.mail_to(buyer.address, "cancel").get_body(("plain",))
    assert note is not None
    assert "It will rain." in note.get_content()
    again = event.organizer.send(
        "PATCH",
        f"/v1/orders/{number(order)}",
        json={"data": {"type": "order", "id": order["id"], "attributes": {"status": "cancelled"}}},
    )
    assert again.status_code == 200
    time.sleep(2)
    assert refunds(stage, order) == [2000]
