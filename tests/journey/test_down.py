"""A service that is down takes along what needs it, and nothing else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.journey.stage import Stage, code_of, insist, number


@contextmanager
def down(stage: Stage, name: str) -> Iterator[None]:
    part = stage.system.parts[name]
    part.stop()
    try:
        yield
    finally:
        part.start()
        part.wait_ready(time.monotonic() + 120)


def test_without_payments_people_order_and_look_but_do_not_pay(stage: Stage) -> None:
    event = stage.on_sale()
    buyer = stage.person()
    with down(stage, "payments"):
        order = stage.order(buyer, event)
        stage.fill_in(buyer, order)
        stage.choose(buyer, order, "stripe")
        refused = stage.charge(buyer, order)
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert stage.status(buyer, order) == "pending"
        assert stage.nobody.send("GET", f"/v1/events/{event.identifier}").status_code == 200
    answer = insist(lambda: stage.charge(buyer, order))
    assert answer.status_code in (200, 202, 409), answer.text
    stage.becomes(buyer, order, "completed", within_seconds=150)
    assert len(stage.stripe_books(order)["charges"]) == 1


def test_without_events_orders_are_still_read(stage: Stage) -> None:
    event = stage.on_sale()
    buyer = stage.person()
    order = stage.order(buyer, event)
    with down(stage, "events"):
        assert buyer.get(f"/v1/orders/{number(order)}?include=event,attendees")["data"]["id"] == order["id"]
        refused = buyer.send("POST", "/v1/orders/create-order", json={"tickets": event.cart(Seat=1)})
        assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
        gone = stage.nobody.send("GET", f"/v1/events/{event.identifier}")
        assert (gone.status_code, code_of(gone)) == (503, "service-unavailable")


def test_without_accounts_those_who_are_logged_in_go_on(stage: Stage) -> None:
    event = stage.on_sale()
    buyer = stage.person()
    buyer.get("/v1/events")
    with down(stage, "accounts"):
        order = stage.order(buyer, event)
        assert stage.status(buyer, order) == "initializing"
        login = stage.nobody.send("POST", "/auth/session", json={"email": buyer.address, "password": "x"})
        assert login.status_code == 503
