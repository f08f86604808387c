"""Orders in one call and for attendees: what buyers get, and what is refused without a trace."""

import json
import time
from typing import Any

import pytest
from sqlalchemy import event

from chassis import db as chassis_db
from chassis.db import transaction
from chassis.errors import NotFound
from proto.events import events_pb2
from proto.orders import orders_pb2
from services.orders.commands.turnstiles import Turnstile
from services.orders.tests.fair import EVENT, patch, seat_rows, seats, status_of, stored, uses


def attendee_body(ticket: int = 1, event: int = EVENT, **attributes: Any) -> dict[str, Any]:
    return {
        "data": {
            "type": "attendee",
            "attributes": attributes,
            "relationships": {
                "event": {"data": {"type": "event", "id": str(event)}},
                "ticket": {"data": {"type": "ticket", "id": str(ticket)}},
            },
        }
    }


def order_body(*attendee_ids: str, event: int = EVENT, code: int | None = None, **attributes: Any) -> dict[str, Any]:
    relationships: dict[str, Any] = {
        "event": {"data": {"type": "event", "id": str(event)}},
        "attendees": {"data": [{"type": "attendee", "id": each} for each in attendee_ids]},
    }
    if code is not None:
        relationships["discount-code"] = {"data": {"type": "discount-code", "id": str(code)}}
    named = {name.replace("_", "-"): value for name, value in attributes.items()}
    return {"data": {"type": "order", "attributes": named, "relationships": relationships}}


@pytest.fixture
def attend(buyer: Any, fair: Any) -> Any:
    def make(ticket: int = 1, client: Any = None, **attributes: Any) -> str:
        answer = (client or buyer).post("/v1/attendees", json=attendee_body(ticket, **attributes))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["id"])

    return make


def test_one_call_orders_tickets_and_holds_their_seats(buyer: Any, fair: Any, published: Any) -> None:
    answer = buyer.post("/v1/orders/create-order", json={"tickets": [{"id": "1", "quantity": 2}, {"id": 2}]})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.api+json"
    attributes = answer.json()["data"]["attributes"]
    assert attributes["status"] == "initializing"
    assert attributes["amount"] == 120.5
    assert attributes["payment-mode"] is None
    assert attributes["currency"] == "EUR"
    assert seats() == seat_rows() == {1: (2, 0), 2: (1, 0)}
    [created] = published(orders_pb2.OrderCreated)
    assert created.order.identifier == attributes["identifier"]
    assert [each.price_minor for each in created.order.attendees] == [5000, 5000, 2050]
    assert created.order.event.name == "The Fair"


def test_the_order_is_read_with_its_attendees_event_and_tickets(buyer: Any, order: Any) -> None:
    placed = order({"id": 1, "quantity": 2}, {"id": 3})
    identifier = placed["attributes"]["identifier"]
    answer = buyer.get(f"/v1/orders/{identifier}?include=attendees.ticket,event,tickets,user,discount-code").json()
    kinds = sorted(each["type"] for each in answer["included"])
    assert kinds == ["attendee", "attendee", "attendee", "event", "ticket", "ticket"]
    assert buyer.get(f"/v1/orders/{placed['id']}").json()["data"]["attributes"]["identifier"] == identifier
    event = buyer.get(f"/v1/orders/{identifier}/event?include=tax").json()["data"]["attributes"]
    assert event["identifier"] == "fa1r0000"
    assert event["can-pay-by-bank"] is True
    assert event["can-pay-by-cheque"] is False
    assert len(buyer.get(f"/v1/orders/{identifier}/tickets").json()["data"]) == 2
    condition = {"name": "order", "op": "has", "val": {"name": "id", "op": "eq", "val": int(placed["id"])}}
    listed = buyer.get("/v1/tickets/1/attendees", params={"filter": json.dumps([condition])})
    assert len(listed.json()["data"]) == 2


def test_a_quote_takes_nothing_and_needs_no_login(client: Any, fair: Any) -> None:
    fair.offer_code()
    answer = client.post(
        "/v1/orders/calculate-amount",
        json={"tickets": [{"id": "1", "quantity": 2, "price": 1}], "discount-code": "SAVE"},
    )
    assert answer.status_code == 200
    quote = answer.json()
    assert (quote["total"], quote["sub_total"], quote["discount"], quote["tax"]) == (90.0, 90.0, 10.0, None)
    assert quote["tickets"][0]["discount"] == {
        "code": "SAVE",
        "percent": 10.0,
        "amount": 5.0,
        "total": 10.0,
        "type": "percent",
    }
    assert seats() == {}


def test_an_empty_cart_costs_nothing_and_orders_nothing(client: Any, buyer: Any, fair: Any) -> None:
    assert client.post("/v1/orders/calculate-amount", json={"tickets": []}).json()["total"] == 0
    refused = buyer.post("/v1/orders/create-order", json={"tickets": []})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "tickets-missing")


def test_nobody_orders_without_a_token(client: Any, fair: Any, published: Any) -> None:
    assert client.post("/v1/orders/create-order", json={"tickets": [{"id": 1}]}).status_code == 401
    assert published() == []


def test_buyers_amounts_and_prices_are_ignored(order: Any) -> None:
    placed = order({"id": 1, "quantity": 2, "price": 0.01}, amount=1, **{"discount-verify": False})
    assert placed["attributes"]["amount"] == 100.0


def test_organizers_amounts_are_final_and_their_codes_are_not_used(order: Any, organizer: Any, fair: Any) -> None:
    fair.offer_code(uses=1)
    placed = order({"id": 1, "quantity": 2}, client=organizer, amount=12.34, **{"discount-code": "9"})
    assert placed["attributes"]["amount"] == 12.34
    assert placed["attributes"]["discount-code-id"] is None
    assert uses() == 0


@pytest.mark.parametrize("quantity", [0, -1, 1001, "x", 1.5, 10**30])
def test_absurd_quantities_are_refused(buyer: Any, fair: Any, published: Any, quantity: Any) -> None:
    answer = buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 1, "quantity": quantity}]})
    assert answer.status_code == 422
    assert published() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/orders/{order}/refund", {"amount": 1, "reason": "a\0b"}, 422),
        ("DELETE", "/v1/orders/{order}", {"cancel-note": "a\0b"}, 422),
        ("DELETE", "/v1/orders/{order}?cancel-note=a%00b", None, 400),
        ("GET", "/v1/events/7/attendees/search?query=a%00b", None, 400),
        ("GET", "/v1/events/a%00b/orders", None, 400),
        ("GET", "/v1/orders/a%00b", None, 400),
    ],
)
def test_a_nul_character_is_refused_wherever_it_stands(
    admin: Any, order: Any, method: str, path: str, body: Any, status: int
) -> None:
    identifier = order()["attributes"]["identifier"]
    answer = admin.request(method, path.format(order=identifier), json=body)
    assert answer.status_code == status, answer.text
    assert status_of(identifier) == "initializing"


def test_what_events_refuses_is_refused_here(buyer: Any, fair: Any, published: Any) -> None:
    fair.refusal = NotFound("There is no such ticket.")
    assert buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 1}]}).status_code == 404
    assert published() == []
    assert seats() == {}


def test_more_than_there_is_is_sold_out_and_says_how_many_are_left(
    buyer: Any, order: Any, fair: Any, published: Any
) -> None:
    fair.limit(1, 3)
    order({"id": 1, "quantity": 2})
    answer = buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 1, "quantity": 2}, {"id": 2}]})
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["status"], error["code"], error["meta"]) == (
        409,
        409,
        "sold-out",
        {"available": 1},
    )
    assert seats() == seat_rows() == {1: (2, 0)}
    assert len(published()) == 1
    assert fair.offers == 2
    assert buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 1, "quantity": 2}]}).status_code == 409
    assert fair.offers == 2, "the turnstile refuses without asking for another offer"
    order({"id": 1, "quantity": 1})


def test_a_returned_seat_sells_at_once_although_the_ticket_was_just_sold_out(buyer: Any, order: Any, fair: Any) -> None:
    fair.limit(1, 1)
    first = order({"id": 1})
    wanted = {"tickets": [{"id": 1}]}
    assert [buyer.post("/v1/orders/create-order", json=wanted).status_code for _ in range(2)] == [409, 409]
    assert buyer.patch(f"/v1/orders/{first['id']}", json=patch(first, status="cancelled")).status_code == 200
    time.sleep(Turnstile.MOMENT_SECONDS)
    assert buyer.post("/v1/orders/create-order", json=wanted).status_code in (200, 201)
    assert seats() == seat_rows() == {1: (1, 0)}


def test_a_donation_needs_a_price_within_bounds(buyer: Any, order: Any) -> None:
    assert order({"id": 4, "quantity": 2, "price": 7.5})["attributes"]["amount"] == 15.0
    for price, code in ((None, "price-missing"), (4.99, "price-invalid"), (100.01, "price-invalid")):
        answer = buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 4, "price": price}]})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)


def test_an_unverified_buyer_pays_but_gets_nothing_for_free(client: Any, fair: Any) -> None:
    stranger = client.as_user(3, is_verified=False)
    refused = stranger.post("/v1/orders/create-order", json={"tickets": [{"id": 3}]})
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["source"]["code"] == "unverified-user"
    assert stranger.post("/v1/orders/create-order", json={"tickets": [{"id": 1}]}).status_code == 200


def test_a_code_is_used_once_per_ticket_and_not_beyond_its_limit(
    buyer: Any, client: Any, order: Any, fair: Any
) -> None:
    fair.offer_code(uses=3)
    placed = order({"id": 1, "quantity": 2}, **{"discount-code": "9"})
    assert placed["attributes"]["discount-amount"] == 10.0
    assert placed["attributes"]["discount-code-id"] == "9"
    for path, by in (("create-order", buyer), ("calculate-amount", client), ("calculate-amount", client.as_user(2))):
        refused = by.post(f"/v1/orders/{path}", json={"tickets": [{"id": 1, "quantity": 2}], "discount_code": 9})
        error = refused.json()["errors"][0]
        assert (refused.status_code, error["status"], error["code"]) == (422, "422", "discount-exhausted")
        assert error["meta"] == {"remaining": 1}
    assert uses() == 2
    assert seats() == {1: (2, 0)}


def test_the_pages_of_an_order_quote_it_although_it_took_the_last_uses(
    buyer: Any, client: Any, order: Any, fair: Any
) -> None:
    fair.offer_code(uses=2)
    placed = order({"id": 1, "quantity": 2}, **{"discount-code": "9"})

    def quote(by: Any, units: int, ticket: int = 1) -> Any:
        cart = {"tickets": [{"id": ticket, "quantity": units}], "discount-code": "9"}
        return by.post("/v1/orders/calculate-amount", json=cart)

    assert (quote(buyer, 2).status_code, quote(buyer, 2).json()["total"]) == (200, 90.0)
    assert quote(buyer, 3).json()["errors"][0]["meta"] == {"remaining": 0}
    assert quote(buyer, 1, ticket=2).json()["errors"][0]["code"] == "discount-exhausted"
    assert quote(client.as_user(2), 1).json()["errors"][0]["code"] == "discount-exhausted"
    buyer.patch(f"/v1/orders/{placed['attributes']['identifier']}", json=patch(placed, status="cancelled"))
    assert uses() == 0
    order({"id": 1, "quantity": 2}, client=client.as_user(2), **{"discount-code": "9"})
    assert quote(buyer, 2).json()["errors"][0]["code"] == "discount-exhausted"


def test_a_quote_tells_the_text_of_a_code_to_who_typed_it_only(client: Any, fair: Any) -> None:
    fair.offer_code()
    for sent, told in (("save", "SAVE"), ("9", None), (9, None)):
        cart = {"tickets": [{"id": 1}], "discount-code": sent}
        [line] = client.post("/v1/orders/calculate-amount", json=cart).json()["tickets"]
        assert (line["discount"]["amount"], line["discount"].get("code")) == (5.0, told)


def test_a_quote_says_that_it_is_one(buyer: Any, order: Any, fair: Any) -> None:
    buyer.post("/v1/orders/calculate-amount", json={"tickets": [{"id": 1}]})
    assert fair.asked.is_quote
    order()
    assert not fair.asked.is_quote


def test_a_newer_offer_is_asked_for_once_when_the_ledger_knows_more(buyer: Any, fair: Any, db: Any) -> None:
    from services.orders.commands import replicas

    newer = fair.ticket(1, "Day", "paid", 5000, version=5)
    with db.begin():
        replicas.set_capacity(db, newer)
    fair.before_offer = lambda: fair.tickets[1].MergeFrom(newer)
    assert buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 1}]}).status_code == 200
    assert fair.offers == 2


def test_the_same_key_gives_the_same_order_and_another_body_is_refused(buyer: Any, fair: Any, published: Any) -> None:
    headers = {"Idempotency-Key": "abc"}
    first = buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 1}]}, headers=headers)
    again = buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 1}]}, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert len(published(orders_pb2.OrderCreated)) == 1
    other = buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 2}]}, headers=headers)
    assert other.status_code == 422
    assert seats() == {1: (1, 0)}


def test_attendees_first_then_their_order(buyer: Any, attend: Any, fair: Any, published: Any) -> None:
    fair.offer_code()
    first, second = attend(1, firstname="Ann", email="ann@example.com"), attend(2)
    assert seats() == {}
    answer = buyer.post("/v1/orders", json=order_body(first, second, code=9, payment_mode="stripe", country="DE"))
    assert answer.status_code == 201, answer.text
    document = answer.json()
    attributes = document["data"]["attributes"]
    assert (attributes["status"], attributes["amount"]) == ("pending", 63.45)
    assert attributes["payment-url"] == "stripe://payment"
    assert attributes["country"] == "DE"
    assert answer.headers["location"] == f"/v1/orders/{attributes['identifier']}"
    assert [each["attributes"]["price"] for each in document["included"]] == [45.0, 18.45]
    assert seats() == seat_rows() == {1: (1, 0), 2: (1, 0)}
    assert uses() == 2
    [created] = published(orders_pb2.OrderCreated)
    assert created.order.attendees[0].first_name == "Ann"


def test_a_free_order_completes_at_once_when_its_forms_are_filled(buyer: Any, attend: Any, published: Any) -> None:
    filled = attend(3, firstname="Ann", email="ann@example.com")
    answer = buyer.post("/v1/orders", json=order_body(filled))
    assert answer.json()["data"]["attributes"]["status"] == "completed"
    assert seats() == {3: (0, 1)}
    [paid] = published(orders_pb2.OrderPaid)
    assert paid.order.attendees[0].ticket_name == "Child"
    assert paid.order.event.timezone == "Europe/Berlin"
    blank = buyer.post("/v1/orders", json=order_body(attend(3)))
    assert blank.json()["data"]["attributes"]["status"] == "pending"
    assert len(published(orders_pb2.OrderPaid)) == 1


def test_an_order_that_costs_needs_a_mode_that_the_event_takes(buyer: Any, attend: Any) -> None:
    attendee = attend(1)
    for mode, code in (
        (None, "payment-mode-required"),
        ("free", "payment-mode-required"),
        ("cheque", "payment-mode-disabled"),
        ("omise", "payment-mode-unknown"),
    ):
        refused = buyer.post("/v1/orders", json=order_body(attendee, payment_mode=mode))
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, code)
    assert seats() == {}


def test_a_donation_that_became_a_paid_ticket_meanwhile_costs_what_the_offer_says(
    buyer: Any, attend: Any, fair: Any
) -> None:
    attendee = attend(4, price=10)
    fair.tickets[4].type, fair.tickets[4].price_minor, fair.tickets[4].version = "paid", 2000, 2
    with transaction() as db:
        sql = "UPDATE replica_tickets SET type = 'paid', price_minor = 2000, version = 2 WHERE id = 4"
        db.connection().exec_driver_sql(sql)
    answer = buyer.post("/v1/orders", json=order_body(attendee, payment_mode="bank"))
    assert answer.status_code == 201, answer.text
    assert answer.json()["data"]["attributes"]["amount"] == 20.0
    assert buyer.get(f"/v1/attendees/{attendee}").json()["data"]["attributes"]["price"] == 20.0


def test_attendees_of_others_or_of_another_order_are_refused(client: Any, buyer: Any, attend: Any, fair: Any) -> None:
    own, foreign = attend(1), attend(1, client=client.as_user(2))
    assert buyer.post("/v1/orders", json=order_body(own, foreign, payment_mode="stripe")).status_code == 404
    assert buyer.post("/v1/orders", json=order_body(own, payment_mode="stripe")).status_code == 201
    taken = buyer.post("/v1/orders", json=order_body(own, payment_mode="stripe"))
    assert (taken.status_code, taken.json()["errors"][0]["code"]) == (409, "attendee-taken")
    assert client.as_user(2).get(f"/v1/attendees/{own}").status_code == 404
    assert seats() == {1: (1, 0)}


def test_an_organizer_gives_amount_and_status(organizer: Any, attend: Any, fair: Any, published: Any) -> None:
    attendee = attend(1, client=organizer)
    answer = organizer.post("/v1/orders", json=order_body(attendee, amount=10, status="completed", payment_mode="bank"))
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["status"], attributes["amount"]) == ("completed", 10.0)
    assert attributes["invoice-number"] == "FA1R0000-000001"
    assert seats() == {1: (0, 1)}
    assert published(orders_pb2.OrderPaid)[0].order.amount_minor == 1000
    assert published(orders_pb2.OrderPaid)[0].order.invoice_number == "FA1R0000-000001"


def test_on_site_orders_are_for_those_who_run_the_event(organizer: Any, buyer: Any, fair: Any) -> None:
    body = order_body(status="completed", payment_mode="onsite", on_site_tickets=[{"id": "1", "quantity": "3"}])
    del body["data"]["relationships"]["attendees"]
    assert buyer.post("/v1/orders?onsite=true", json=body).status_code == 403
    answer = organizer.post("/v1/orders?onsite=true", json=body)
    assert answer.status_code == 201
    assert answer.json()["data"]["attributes"]["amount"] == 150.0
    assert seats() == seat_rows() == {1: (0, 3)}


def test_a_loose_attendee_holds_no_seat_but_needs_one_to_be_free(
    buyer: Any, order: Any, fair: Any, attend: Any
) -> None:
    fair.limit(1, 1)
    attend(1)
    order({"id": 1})
    refused = buyer.post("/v1/attendees", json=attendee_body(1))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "sold-out")


def test_nobody_has_more_than_fifty_loose_attendees(buyer: Any, attend: Any) -> None:
    for _ in range(50):
        attend(1)
    refused = buyer.post("/v1/attendees", json=attendee_body(1))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (429, "too-many-attendees")
    assert refused.headers["retry-after"]


def test_an_attendee_needs_a_ticket_of_its_event(buyer: Any, fair: Any) -> None:
    for body in (attendee_body(77), attendee_body(1, event=8)):
        assert buyer.post("/v1/attendees", json=body).status_code == 422
    lacking = attendee_body(1)
    del lacking["data"]["relationships"]["ticket"]
    assert buyer.post("/v1/attendees", json=lacking).json()["errors"][0]["code"] == "ticket-missing"


def test_the_buyer_fills_attendees_and_places_a_bank_order(buyer: Any, order: Any, fair: Any, published: Any) -> None:
    placed = order({"id": 1, "quantity": 1})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    attempt = patch(placed, status="placed", payment_mode="bank", country="DE", amount=0, identifier="x")
    refused = buyer.patch(path, json=attempt)
    error = refused.json()["errors"][0]
    assert (refused.status_code, error["code"]) == (422, "fields-missing")
    assert status_of(placed["attributes"]["identifier"]) == "initializing"
    attendee = buyer.get(f"{path}/attendees").json()["data"][0]
    filled = buyer.patch(
        f"/v1/attendees/{attendee['id']}", json=patch(attendee, "attendee", firstname="Bo", email="bo@x.org")
    )
    assert filled.status_code == 200, filled.text
    answer = buyer.patch(path, json=attempt)
    assert answer.status_code == 200, answer.text
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["status"], attributes["amount"], attributes["country"]) == ("placed", 50.0, "DE")
    assert attributes["expires-at"] is None
    [said] = published(orders_pb2.OrderPlaced)
    assert said.order.event.payment_details == "IBAN DE00"
    changed = buyer.patch(path, json=patch(placed, company="Late"))
    assert changed.json()["data"]["attributes"]["company"] is None
    assert len(published(orders_pb2.OrderPlaced)) == 1


def test_a_buyer_cannot_declare_an_order_paid(buyer: Any, order: Any, published: Any) -> None:
    placed = order({"id": 1})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    for attributes, status, code in (
        ({"status": "completed"}, 422, "payment-required"),
        ({"status": "completed", "payment-mode": "free"}, 422, "payment-mode-required"),
        ({"status": "completed", "payment-mode": "stripe"}, 422, "payment-required"),
        ({"status": "expired"}, 403, "status-forbidden"),
        ({"status": "placed", "payment-mode": "stripe"}, 422, "payment-mode-required"),
        ({"status": "nonsense"}, 422, "invalid"),
    ):
        refused = buyer.patch(path, json=patch(placed, **attributes))
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (status, code), attributes
    row = stored(placed["attributes"]["identifier"])
    assert (row.status, row.payment_mode) == ("initializing", None)
    assert published(orders_pb2.OrderPaid) == []


def test_an_organizer_confirms_the_money_and_a_later_patch_says_nothing_more(
    order: Any, organizer: Any, published: Any
) -> None:
    placed = order({"id": 1, "quantity": 2})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    organizer.get(f"/v1/events/{EVENT}/orders")
    answer = organizer.patch(path, json=patch(placed, status="completed", company="Not mine to set"))
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["status"], attributes["company"]) == ("completed", None)
    assert seats() == {1: (0, 2)}
    organizer.patch(path, json=patch(placed, status="completed"))
    assert len(published(orders_pb2.OrderPaid)) == 1


def test_cancelling_returns_seats_and_uses_and_tells_with_the_note(
    buyer: Any, order: Any, fair: Any, published: Any
) -> None:
    fair.offer_code(uses=5)
    placed = order({"id": 1, "quantity": 2}, **{"discount-code": "9"})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    answer = buyer.patch(path, json=patch(placed, status="cancelled", cancel_note="<b>ill</b>"))
    assert answer.json()["data"]["attributes"]["status"] == "cancelled"
    assert (seats(), uses()) == ({1: (0, 0)}, 0)
    [said] = published(orders_pb2.OrderCancelled)
    assert (said.note, said.was_paid, len(said.order.attendees)) == ("<b>ill</b>", False, 2)
    again = buyer.patch(path, json=patch(placed, status="pending"))
    assert again.status_code == 422
    assert seats() == {1: (0, 0)}


def test_an_admin_deletes_softly_and_others_do_not(
    buyer: Any, organizer: Any, admin: Any, order: Any, published: Any
) -> None:
    placed = order({"id": 1})
    identifier = placed["attributes"]["identifier"]
    organizer.get(f"/v1/events/{EVENT}/orders")
    assert organizer.delete(f"/v1/orders/{identifier}").status_code == 403
    assert buyer.delete(f"/v1/orders/{identifier}").status_code == 403
    answer = admin.delete(f"/v1/orders/{identifier}?cancel-note=gone")
    assert (answer.status_code, answer.json()["meta"]["message"]) == (200, "The order was deleted.")
    assert seats() == {1: (0, 0)}
    [said] = published(orders_pb2.OrderCancelled)
    assert (said.note, said.deleted) == ("gone", True)
    assert buyer.get(f"/v1/orders/{identifier}").status_code == 404
    assert admin.get(f"/v1/orders/{identifier}?get_trashed=true").status_code == 200


def test_an_admin_changes_nearly_everything(admin: Any, order: Any, buyer: Any) -> None:
    placed = order({"id": 1, "quantity": 3})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    answer = admin.patch(
        path, json=patch(placed, amount=100, company="ACME", status="placed", payment_mode="bank", identifier="nope")
    )
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["amount"], attributes["company"], attributes["status"]) == (100.0, "ACME", "placed")
    assert attributes["identifier"] == placed["attributes"]["identifier"]
    prices = [each["attributes"]["price"] for each in buyer.get(f"{path}/attendees").json()["data"]]
    assert sum(prices) == 100.0


def test_an_admins_amount_is_that_of_lines_attendees_and_tax(admin: Any, order: Any, fair: Any, published: Any) -> None:
    """The invoice adds up: an amount of one's own contains the tax, and no code took anything off it."""
    fair.tax = events_pb2.Tax(name="VAT", rate="20", is_included=False)
    fair.offer_code(tickets=(1,))
    placed = order({"id": 1, "quantity": 2}, {"id": 2, "quantity": 3}, **{"discount-code": "9"})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    assert admin.patch(path, json=patch(placed, amount=100.01)).status_code == 200
    assert admin.patch(path, json=patch(placed, status="completed")).status_code == 200
    [said] = published(orders_pb2.OrderPaid)
    assert (said.order.amount_minor, said.order.discount_minor) == (10001, 0)
    assert (said.order.tax_minor, said.order.tax_included, said.order.tax_rate) == (1667, True, "20")
    assert [(line.ticket_id, line.total_minor, line.discount_minor) for line in said.order.lines] == [
        (1, 6193, 0),
        (2, 3808, 0),
    ]
    prices = [(each.ticket_id, each.price_minor) for each in said.order.attendees]
    assert prices == [(1, 3096), (1, 3097), (2, 1269), (2, 1269), (2, 1270)]


def test_an_admins_amount_of_an_order_that_somebody_left_is_shared_by_those_who_come(
    admin: Any, organizer: Any, order: Any
) -> None:
    placed = order({"id": 1}, {"id": 2, "quantity": 2})
    identifier = placed["attributes"]["identifier"]
    path = f"/v1/orders/{identifier}"
    organizer.get("/v1/events/7/orders")
    for values in ({"payment_mode": "bank"}, {"status": "completed"}):
        assert admin.patch(path, json=patch(placed, **values)).status_code == 200
    gone = organizer.get(f"{path}/attendees").json()["data"][0]["id"]
    assert organizer.post(f"{path}/refund", json={"attendees": [gone]}).status_code == 200
    assert admin.patch(path, json=patch(placed, amount=30)).status_code == 200
    left = [each["attributes"]["price"] for each in admin.get(f"{path}/attendees").json()["data"]]
    assert left == [15, 15]


def test_an_admin_does_not_change_where_an_order_came_from_and_how_it_was_paid(admin: Any, order: Any) -> None:
    placed = order({"id": 1})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    kept = ("id", "identifier", "created_at", "transaction_id", "brand", "last4", "exp_month", "exp_year", "paid_via")
    before = vars(stored(placed["attributes"]["identifier"]))
    body = patch(placed, **dict.fromkeys(kept[3:], "2020"), identifier="mine", created_at="2020-01-01T00:00:00Z")
    body["data"]["relationships"] = {
        "user": {"data": {"type": "user", "id": "2"}},
        "event": {"data": {"type": "event", "id": "8"}},
    }
    assert admin.patch(path, json=body).status_code == 200
    after = vars(stored(placed["attributes"]["identifier"]))
    names = (*kept, "user_id", "event_id")
    assert {name: after[name] for name in names} == {name: before[name] for name in names}


def test_the_note_of_a_cancellation_is_not_that_of_the_next(admin: Any, order: Any, published: Any) -> None:
    placed = order({"id": 1})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    for change in (
        {"status": "cancelled", "cancel_note": "Sorry, twice"},
        {"status": "completed"},
        {"status": "cancelled"},
    ):
        assert admin.patch(path, json=patch(placed, **change)).status_code == 200
    assert [said.note for said in published(orders_pb2.OrderCancelled)] == ["Sorry, twice", ""]


def test_an_admin_revives_an_order_only_while_seats_are_free(admin: Any, buyer: Any, order: Any, fair: Any) -> None:
    fair.limit(1, 1)
    placed = order({"id": 1})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    buyer.patch(path, json=patch(placed, status="cancelled"))
    other = order({"id": 1})
    refused = admin.patch(path, json=patch(placed, status="completed"))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "sold-out")
    assert status_of(placed["attributes"]["identifier"]) == "cancelled"
    buyer.patch(f"/v1/orders/{other['attributes']['identifier']}", json=patch(other, status="cancelled"))
    assert admin.patch(path, json=patch(placed, status="completed")).status_code == 200
    assert seats() == {1: (0, 1)}


def test_what_an_admin_moves_back_is_told_so_that_sales_do_not_count_it(admin: Any, order: Any, published: Any) -> None:
    placed = order({"id": 1})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    for status in ("completed", "placed", "pending"):
        assert admin.patch(path, json=patch(placed, status=status)).status_code == 200
    [unsettled] = published(orders_pb2.OrderUnsettled)
    [paid], [offline] = published(orders_pb2.OrderPaid), published(orders_pb2.OrderPlaced)
    assert unsettled.order.identifier == placed["attributes"]["identifier"]
    assert unsettled.order.version > offline.order.version > paid.order.version, "or a late one would count again"
    assert admin.patch(path, json=patch(placed, status="placed")).status_code == 200
    assert admin.patch(path, json=patch(placed, status="expired")).status_code == 200
    assert len(published(orders_pb2.OrderUnsettled)) == 2
    assert admin.patch(path, json=patch(placed, status="placed")).status_code == 200
    assert admin.patch(path, json=patch(placed, status="cancelled")).status_code == 200
    assert len(published(orders_pb2.OrderUnsettled)) == 2, "OrderCancelled says it"


def test_if_match_refuses_to_delete_what_has_changed(buyer: Any, admin: Any, order: Any, attend: Any) -> None:
    placed = order({"id": 1})
    for who, path in (
        (admin, f"/v1/orders/{placed['attributes']['identifier']}"),
        (buyer, f"/v1/attendees/{attend(1)}"),
    ):
        tag = who.get(path).headers["etag"]
        assert who.delete(path, headers={"If-Match": 'W/"old"'}).status_code == 412
        assert who.get(path).headers["etag"] == tag
        assert who.delete(path, headers={"If-Match": tag}).status_code == 200


def test_if_match_refuses_what_has_changed(buyer: Any, order: Any) -> None:
    placed = order({"id": 1})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    tag = buyer.get(path).headers["etag"]
    assert buyer.patch(path, json=patch(placed, city="Rome"), headers={"If-Match": tag}).status_code == 200
    assert buyer.patch(path, json=patch(placed, city="Oslo"), headers={"If-Match": tag}).status_code == 412
    assert stored(placed["attributes"]["identifier"]).city == "Rome"


def test_an_order_that_is_to_be_paid_is_written_once(order: Any, buyer: Any) -> None:
    """Thousands choose how to pay in the minutes after a sale began."""
    placed = order({"id": 1})
    [attendee] = buyer.get(f"/v1/orders/{placed['attributes']['identifier']}/attendees").json()["data"]
    names = patch(attendee, "attendee", firstname="Ada", lastname="Lovelace", email="ada@example.com")
    buyer.patch(f"/v1/attendees/{attendee['id']}", json=names)
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE orders"):
            written.append(statement)

    event.listen(chassis_db.engine(), "before_cursor_execute", note)
    try:
        path = f"/v1/orders/{placed['attributes']['identifier']}"
        answer = buyer.patch(path, json=patch(placed, status="pending", payment_mode="stripe"))
    finally:
        event.remove(chassis_db.engine(), "before_cursor_execute", note)
    assert (answer.status_code, answer.json()["data"]["attributes"]["status"]) == (200, "pending")
    assert len(written) == 1
