"""What is refused at the door, with which code, and that nothing changed."""

from typing import Any

import pytest

from local.api import ref
from tests.journey.stage import OnSale, Stage, code_of, number


@pytest.fixture(scope="module")
def event(stage: Stage) -> OnSale:
    return stage.on_sale(
        {
            "Seat": {"type": "paid", "price": 20, "quantity": 3, "max-order": 2},
            "Secret": {"type": "paid", "price": 5, "is-hidden": True},
            "Past": {
                "type": "paid",
                "price": 5,
                "sales-starts-at": "2020-01-01T00:00:00Z",
                "sales-ends-at": "2020-02-01T00:00:00Z",
            },
        }
    )


def count(event: OnSale) -> int:
    found: int = event.organizer.get(f"/v1/events/{event.id}/orders")["meta"]["count"]
    return found


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([{"id": "999999", "quantity": 1}], 404),
        ([{"id": "Seat", "quantity": -1}], 422),
        ([{"id": "Seat", "quantity": 0}], 422),
        ([{"id": "Seat", "quantity": 10**9}], 422),
        ([{"id": "Seat", "quantity": 3}], 422),
        ([{"id": "Secret", "quantity": 1}], 422),
        ([{"id": "Past", "quantity": 1}], 422),
        ([], 422),
    ],
)
def test_a_cart_that_cannot_be_sold(stage: Stage, event: OnSale, lines: list[dict[str, Any]], status: int) -> None:
    buyer = stage.person()
    cart = [{**line, "id": event.tickets.get(line["id"], line["id"])} for line in lines]
    answer = buyer.send("POST", "/v1/orders/create-order", json={"tickets": cart})
    assert answer.status_code == status, answer.text
    assert code_of(answer)
    assert count(event) == 0


def test_tickets_of_two_events_are_not_one_order(stage: Stage, event: OnSale) -> None:
    other = stage.on_sale()
    buyer = stage.person()
    answer = buyer.send("POST", "/v1/orders/create-order", json={"tickets": [*event.cart(Seat=1), *other.cart(Seat=1)]})
    assert answer.status_code == 422
    assert (count(event), count(other)) == (0, 0)


def test_nobody_orders_without_a_login(stage: Stage, event: OnSale) -> None:
    answer = stage.nobody.send("POST", "/v1/orders/create-order", json={"tickets": event.cart(Seat=1)})
    assert answer.status_code == 401
    assert count(event) == 0


def test_sold_out_is_409_and_holds_nothing(stage: Stage) -> None:
    event = stage.on_sale({"Seat": {"type": "paid", "price": 20, "quantity": 2}})
    stage.order(stage.person(), event, Seat=2)
    answer = stage.person().send("POST", "/v1/orders/create-order", json={"tickets": event.cart(Seat=1)})
    assert (answer.status_code, code_of(answer)) == (409, "sold-out")
    assert count(event) == 1


@pytest.mark.parametrize(
    ("attributes", "quantity", "code"),
    [
        ({"is-active": False}, 1, "discount-inactive"),
        ({"valid-from": "2020-01-01T00:00:00Z", "valid-till": "2020-02-01T00:00:00Z"}, 1, "discount-outside-window"),
        ({"tickets-number": 1, "max-quantity": 1}, 2, "discount-quantity"),
        ({"min-quantity": 2}, 1, "discount-quantity"),
    ],
)
def test_a_discount_code_that_does_not_apply(
    stage: Stage, attributes: dict[str, Any], quantity: int, code: str
) -> None:
    event = stage.on_sale()
    made = stage.discount(event, **attributes)
    body = {"tickets": event.cart(Seat=quantity), "discount-code": made["id"]}
    answer = stage.person().send("POST", "/v1/orders/create-order", json=body)
    assert (answer.status_code, code_of(answer)) == (422, code)
    assert count(event) == 0


def test_an_exhausted_code_says_what_remains(stage: Stage) -> None:
    event = stage.on_sale()
    code = stage.discount(event, **{"tickets-number": 3, "max-quantity": 2})
    stage.order(stage.person(), event, Seat=2, discount=code["id"])
    body = {"tickets": event.cart(Seat=2), "discount-code": code["id"]}
    for path in ("create-order", "calculate-amount"):
        answer = stage.person().send("POST", f"/v1/orders/{path}", json=body)
        assert (answer.status_code, code_of(answer)) == (422, "discount-exhausted"), path
        assert answer.json()["errors"][0]["meta"]["remaining"] == 1
    assert count(event) == 1


def test_a_code_of_another_event(stage: Stage) -> None:
    event, other = stage.on_sale(), stage.on_sale()
    code = stage.discount(other)
    body = {"tickets": event.cart(Seat=1), "discount-code": code["id"]}
    answer = stage.person().send("POST", "/v1/orders/create-order", json=body)
    assert (answer.status_code, code_of(answer)) == (422, "discount-wrong-event")
    assert count(event) == 0


def test_an_amount_sent_by_a_buyer_is_not_believed(stage: Stage) -> None:
    event = stage.on_sale()
    buyer = stage.person()
    body = {"tickets": [{**event.cart(Seat=1)[0], "price": 0.01}], "amount": 0.01}
    order = buyer.call("POST", "/v1/orders/create-order", json=body)["data"]
    assert order["attributes"]["amount"] == 20.0
    changed = buyer.change(f"/v1/orders/{number(order)}", "order", order["id"], {"amount": 0.01})
    assert changed["attributes"]["amount"] == 20.0


def test_an_unpaid_order_is_not_completed_by_its_buyer(stage: Stage) -> None:
    event = stage.on_sale()
    buyer = stage.person()
    order = stage.order(buyer, event)
    stage.fill_in(buyer, order)
    document = {"data": {"type": "order", "id": order["id"], "attributes": {"status": "completed"}}}
    assert buyer.send("PATCH", f"/v1/orders/{number(order)}", json=document).status_code in (403, 422)
    assert stage.status(buyer, order) == "initializing"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("POST", "/charge"),
        ("POST", "/verify"),
        ("GET", "/attendees"),
        ("GET", "/tickets-pdf"),
    ],
)
def test_an_order_of_somebody_else_is_out_of_reach(stage: Stage, method: str, path: str) -> None:
    event = stage.on_sale()
    buyer, stranger = stage.person(), stage.person()
    order = stage.order(buyer, event)
    document = {
        "PATCH": {"data": {"type": "order", "id": order["id"], "attributes": {"status": "cancelled"}}},
        "POST": {"data": {"type": "charge", "attributes": {"stripe": "tok_visa"}}},
    }.get(method)
    answer = stranger.send(method, f"/v1/orders/{number(order)}{path}", json=document)
    assert answer.status_code in (403, 404), answer.text
    assert stage.status(buyer, order) == "initializing"
    assert stage.stripe_books(order)["charges"] == []


def test_a_draft_event_is_not_there_for_others(stage: Stage) -> None:
    organizer = stage.person("organizer")
    draft = organizer.create(
        "/v1/events",
        "event",
        {"name": "Draft", "starts-at": "2099-01-01T10:00:00Z", "ends-at": "2099-01-01T12:00:00Z", "timezone": "UTC"},
    )
    for who in (stage.nobody, stage.person()):
        assert who.send("GET", f"/v1/events/{draft['attributes']['identifier']}").status_code == 404
    assert organizer.send("GET", f"/v1/events/{draft['id']}").status_code == 200


def test_wrong_media_type_and_a_large_body(stage: Stage) -> None:
    buyer = stage.person()
    document = {
        "data": {
            "type": "attendee",
            "attributes": {"firstname": "x"},
            "relationships": {"event": {"data": ref("event", 1)}},
        }
    }
    assert buyer.send("POST", "/v1/attendees", json=document, media_type="text/plain").status_code == 415
    huge = {"data": {"type": "attendee", "attributes": {"firstname": "x" * 10_000_000}}}
    assert buyer.send("POST", "/v1/attendees", json=huge).status_code == 413
