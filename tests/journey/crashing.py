"""Purchases in whose midst one part of the system is killed and started again: every one ends as if nothing had happened."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import requests

from local.api import JSON_API, Api
from tests.journey.running import Part
from tests.journey.stage import OnSale, Stage, eventually, insist, number

BUYERS = 3


def purchases_end_well_although_it_is_killed(stage: Stage, victim: Part) -> None:
    """Twice, soon after each other, while three people buy the last six seats."""
    event = stage.on_sale({"Seat": {"type": "paid", "price": 20, "quantity": 2 * BUYERS}})
    buyers = [stage.person() for _ in range(BUYERS)]
    moments = threading.Event()

    def strike() -> None:
        moments.wait(10)
        for pause in (0.05, 0.7):
            time.sleep(pause)
            victim.kill()
            victim.start()
            victim.wait_ready(time.monotonic() + 120)

    with ThreadPoolExecutor(BUYERS + 1) as pool:
        striking = pool.submit(strike)
        moments.set()
        orders = list(pool.map(lambda buyer: buy(stage, buyer, event), buyers))
        striking.result()
    for buyer, order in zip(buyers, orders, strict=True):
        eventually(partial(_is_settled, stage, buyer, order), within_seconds=90, what="the order being settled")
        stage.has_pdfs(buyer, order)
        assert [charge["amount"] for charge in stage.stripe_books(order)["charges"]] == [4000]
        assert stage.stripe_books(order)["refunds"] == []
    [stock] = stage.rows("orders", "SELECT held, sold FROM stock WHERE ticket_id = %s", int(event.tickets["Seat"]))
    assert stock == {"held": 0, "sold": 2 * BUYERS}


def buy(stage: Stage, buyer: Api, event: OnSale) -> dict[str, Any]:
    """Two seats, filled in and paid, whatever happens meanwhile."""

    def send(method: str, path: str, body: Any) -> requests.Response:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return insist(lambda: buyer.send(method, path, json=body, headers=headers))

    def change(path: str, type_: str, id_: str, attributes: dict[str, Any]) -> None:
        answer = send("PATCH", path, {"data": {"type": type_, "id": id_, "attributes": attributes}})
        assert answer.status_code == 200, answer.text

    made = send("POST", "/v1/orders/create-order", {"tickets": event.cart(Seat=2)})
    assert made.status_code in (200, 201), made.text
    order: dict[str, Any] = made.json()["data"]
    path = f"/v1/orders/{number(order)}"
    attendees = insist(lambda: buyer.send("GET", f"{path}/attendees")).json()["data"]
    for attendee in attendees:
        person = {"firstname": "Ada", "lastname": "Lovelace", "email": f"{uuid.uuid4().hex[:8]}@example.com"}
        change(f"/v1/attendees/{attendee['id']}", "attendee", attendee["id"], person)
    change(path, "order", order["id"], {"payment-mode": "stripe", "status": "pending"})
    charge = {"data": {"type": "charge", "attributes": {"stripe": "tok_visa"}}}
    answer = insist(lambda: buyer.send("POST", f"{path}/charge", json=charge, media_type=JSON_API))
    assert answer.status_code in (200, 202, 409), answer.text
    return order


def _is_settled(stage: Stage, buyer: Api, order: dict[str, Any]) -> bool:
    answer = buyer.send("GET", f"/v1/orders/{number(order)}")
    return answer.status_code == 200 and answer.json()["data"]["attributes"]["status"] == "completed"
