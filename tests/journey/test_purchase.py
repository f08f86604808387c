"""A ticket, all the way: from signing up to a PDF in the hand."""

import uuid
from typing import Any

import pytest

from local.api import Api, ref
from tests.journey.stage import Stage, code_of, number, text_of_pdf


def test_two_tickets_with_a_discount_paid_by_card_become_pdfs_and_mails(stage: Stage) -> None:
    event = stage.on_sale({"Seat": {"type": "paid", "price": 20}})
    code = stage.discount(event, value=25)
    buyer = stage.person("bea")

    quote = buyer.call(
        "POST",
        "/v1/orders/calculate-amount",
        json={"tickets": event.cart(Seat=2), "discount-code": code["id"]},
    )
    assert (quote["total"], quote["discount"]) == (30.0, 10.0)

    order = stage.order(buyer, event, Seat=2, discount=code["id"])
    assert (order["attributes"]["status"], order["attributes"]["amount"]) == ("initializing", 30.0)
    first, second = f"ada-{uuid.uuid4().hex[:6]}@example.com", f"zoe-{uuid.uuid4().hex[:6]}@example.com"
    stage.fill_in(buyer, order, ("Ada", "Lovelace", first), ("Zoë", "Nguyễn-Müller", second))
    pending = stage.choose(buyer, order, "stripe")
    assert (pending["attributes"]["status"], pending["attributes"]["payment-url"]) == ("pending", "stripe://payment")

    answer = stage.charge(buyer, order)
    assert answer.status_code == 200
    document = answer.json()
    assert document["data"]["type"] == "charge"
    assert document["data"]["attributes"]["status"] is True
    assert document["included"][0]["attributes"]["status"] == "completed"

    attendees = stage.has_pdfs(buyer, order)
    pdf = buyer.send("GET", f"/v1/orders/attendees/{attendees[0]['id']}.pdf")
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert "Ada Lovelace" in text_of_pdf(pdf.content)
    whole = buyer.send("GET", f"/v1/tickets/{number(order)}")
    assert "Nguyễn-Müller" in text_of_pdf(whole.content)
    for address, subject in ((first, "ticket"), (second, "ticket"), (buyer.address, "your order")):
        stage.mail_to(address, subject)
    [charge] = stage.stripe_books(order)["charges"]
    assert (charge["amount"], charge["currency"], stage.stripe_books(order)["refunds"]) == (3000, "eur", [])


def test_attendees_first_then_the_order(stage: Stage) -> None:
    """The founding documents' flow."""
    event = stage.on_sale()
    buyer = stage.person("bo")
    attendees = [
        buyer.create(
            "/v1/attendees",
            "attendee",
            {"firstname": name, "lastname": "Berg", "email": f"{name}@example.com"},
            {"event": ref("event", event.id), "ticket": ref("ticket", event.tickets["Seat"])},
        )
        for name in ("ida", "ole")
    ]
    order = buyer.create(
        "/v1/orders",
        "order",
        {"payment-mode": "stripe", "amount": 1, "status": "completed"},
        {"event": ref("event", event.id), "attendees": [ref("attendee", each["id"]) for each in attendees]},
    )
    assert order["attributes"]["status"] == "pending"
    assert order["attributes"]["amount"] == 40.0
    assert stage.charge(buyer, order).status_code == 200
    assert stage.status(buyer, order) == "completed"


def test_a_free_order_completes_without_a_payment(stage: Stage) -> None:
    event = stage.on_sale({"Free": {"type": "free", "price": 0}})
    buyer = stage.person()
    order = stage.order(buyer, event, Free=1)
    assert (order["attributes"]["status"], order["attributes"]["amount"]) == ("initializing", 0)
    stage.fill_in(buyer, order)
    assert stage.choose(buyer, order, "free", "completed")["attributes"]["status"] == "completed"
    stage.has_pdfs(buyer, order)


def test_a_donation_costs_what_was_given(stage: Stage) -> None:
    event = stage.on_sale({"Gift": {"type": "donation", "min-price": 5, "max-price": 50}})
    buyer = stage.person()
    cart = [{**event.cart(Gift=1)[0], "price": 12.5}]
    order = buyer.call("POST", "/v1/orders/create-order", json={"tickets": cart})["data"]
    assert order["attributes"]["amount"] == 12.5
    refused = buyer.send("POST", "/v1/orders/create-order", json={"tickets": [{**cart[0], "price": 4.99}]})
    assert refused.status_code == 422


def test_paypal_by_its_approval_url(stage: Stage) -> None:
    event = stage.on_sale()
    buyer = stage.person()
    order = stage.order(buyer, event)
    stage.fill_in(buyer, order)
    url = stage.choose(buyer, order, "paypal")["attributes"]["payment-url"]
    assert url.startswith(f"{stage.system.paypal_url}/")
    not_yet = stage.charge(buyer, order, None)
    assert (not_yet.status_code, code_of(not_yet)) == (422, "payment-not-approved")
    assert stage.status(buyer, order) == "pending"
    Api("").http.get(url, allow_redirects=False, timeout=10)
    assert stage.charge(buyer, order, None).status_code == 200
    assert stage.status(buyer, order) == "completed"
    stage.has_pdfs(buyer, order)


def test_an_offline_order_is_placed_and_completed_by_the_organizer(stage: Stage) -> None:
    event = stage.on_sale()
    buyer = stage.person()
    order = stage.order(buyer, event)
    stage.fill_in(buyer, order)
    assert stage.choose(buyer, order, "bank", "placed")["attributes"]["status"] == "placed"
    instructions = stage.mail_to(buyer.address, "please pay")
    body = instructions.get_body(("plain",))
    assert body is not None
    assert "IBAN DE02" in body.get_content()
    event.organizer.change(f"/v1/orders/{number(order)}", "order", order["id"], {"status": "completed"})
    stage.has_pdfs(buyer, order)


def test_a_code_is_applied_as_existing_clients_do_it_and_its_order_is_quoted_to_the_end(stage: Stage) -> None:
    event = stage.on_sale(
        {"Seat": {"type": "paid", "price": 20}, "Pair": {"type": "paid", "price": 30, "min-order": 2}}
    )
    code = stage.discount(event, **{"tickets-number": 2, "max-quantity": 2, "min-quantity": 2})
    buyer = stage.person()
    word = code["attributes"]["code"]
    found = stage.nobody.get(f"/v1/events/{event.identifier}/discount-codes/{word}?include=event,tickets")["data"]
    links = {name: each["links"]["related"] for name, each in found["relationships"].items()}
    assert stage.nobody.get(links["event"])["data"]["attributes"]["identifier"] == event.identifier
    units = [{"id": each["id"], "quantity": 1} for each in stage.nobody.get(links["tickets"])["data"]]

    def quote(by: Api, *tickets: dict[str, Any]) -> Any:
        body = {"discount-code": code["id"], "tickets": list(tickets)}
        return by.call("POST", "/v1/orders/calculate-amount", json=body)

    assert [line["discount"]["amount"] for line in quote(stage.nobody, *units)["tickets"]] == [2.0, 3.0]
    stage.order(buyer, event, Seat=2, discount=code["id"])
    ticket = event.tickets["Seat"]
    over = {"sales-starts-at": "2020-01-01T00:00:00Z", "sales-ends-at": "2020-02-01T00:00:00Z"}
    event.organizer.change(f"/v1/tickets/{ticket}", "ticket", ticket, over)
    assert quote(buyer, {"id": ticket, "quantity": 2})["total"] == 36.0


@pytest.mark.parametrize("scheme", ["JWT", "Bearer"])
def test_logging_in_refreshing_and_out(stage: Stage, scheme: str) -> None:
    person = stage.person()
    tokens = stage.nobody.call(
        "POST",
        "/auth/session",
        json={"username": person.address, "password": "correct horse battery"},
    )
    renewed: dict[str, Any] = stage.nobody.call(
        "POST", "/v1/auth/token/refresh", json={"refresh_token": tokens["refresh_token"]}
    )
    header = {"Authorization": f"{scheme} {renewed['access_token']}"}
    path = f"/v1/users/{person.user_id}"
    assert stage.nobody.send("GET", path, headers=header).status_code == 200
    stage.nobody.call("POST", "/v1/auth/logout", headers=header)
    assert stage.nobody.send("GET", path, headers=header).status_code == 401


def test_the_same_key_orders_once(stage: Stage) -> None:
    event = stage.on_sale()
    buyer = stage.person()
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"tickets": event.cart(Seat=1)}
    answers = [buyer.send("POST", "/v1/orders/create-order", json=body, headers=headers) for _ in range(3)]
    assert len({answer.text for answer in answers}) == 1
    other = buyer.send("POST", "/v1/orders/create-order", json={"tickets": event.cart(Seat=2)}, headers=headers)
    assert (other.status_code, code_of(other)) == (422, "idempotency-key-reused")
    assert event.organizer.get(f"/v1/events/{event.identifier}/orders")["meta"]["count"] == 1
