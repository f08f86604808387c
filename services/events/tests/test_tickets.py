"""Ticket types, availability and taxes through HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from proto.events.events_pb2 import TicketChanged
from services.events.tests.conftest import NOW, START, Making, Orders, Published, code_of, made, patch, text, to


def test_prices_are_minor_units_inside_and_figures_outside(making: Making, published: Published) -> None:
    event = making.event()
    ticket = making.ticket(event, price=19.99)
    assert ticket["attributes"]["price"] == 19.99
    said = published(TicketChanged)[-1].ticket
    assert (said.price_minor, said.currency, said.quantity, said.on_sale) == (1999, "EUR", 100, True)


def test_free_tickets_cost_nothing_whatever_is_sent(making: Making) -> None:
    assert making.ticket(making.event(), type="free", price=30)["attributes"]["price"] == 0


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"price": 0}, "price-invalid"),
        ({"type": "donation", "min_price": 10, "max_price": 5}, "price-invalid"),
        ({"quantity": 0}, "quantity-invalid"),
        ({"quantity": 5, "max_order": 10}, "quantity-invalid"),
        ({"min_order": 5, "max_order": 2}, "quantity-invalid"),
        ({"sales_starts_at": text(START)}, "sale-window-invalid"),
        ({"sales_ends_at": text(START + timedelta(days=1))}, "sale-window-invalid"),
        ({"name": " "}, "ticket-name-missing"),
        ({"price": 1e15}, "amount-invalid"),
        ({"price": -1}, "invalid"),
        ({"type": "gold"}, "invalid"),
    ],
)
def test_what_is_no_offer_is_refused(making: Making, published: Published, attributes: Any, code: Any) -> None:
    event = making.event()
    given = {"name": "Stalls", "type": "paid", "price": 50, "sales_starts_at": text(NOW), "sales_ends_at": text(START)}
    answer = making.child("tickets", "ticket", event, **{**given, **attributes})
    assert code_of(answer) == (422, code)
    assert making.owner.get(f"/v1/events/{event['id']}/tickets").json()["data"] == []
    assert published(TicketChanged) == []


def test_tickets_that_cost_something_need_a_way_to_pay(making: Making) -> None:
    event = making.event(can_pay_by_bank=False)
    answer = making.child(
        "tickets", "ticket", event, name="A", type="paid", price=5, sales_starts_at=text(NOW), sales_ends_at=text(START)
    )
    assert code_of(answer) == (422, "payment-method-missing")


def test_a_small_quantity_lowers_the_most_per_order(making: Making) -> None:
    event = making.event()
    assert making.ticket(event, quantity=3)["attributes"]["max-order"] == 3


def test_a_name_is_free_again_after_deletion(making: Making, orders: Orders) -> None:
    event = making.event()
    ticket = making.ticket(event)
    again = making.child(
        "tickets", "ticket", event, name="Stalls", type="free", sales_starts_at=text(NOW), sales_ends_at=text(START)
    )
    assert code_of(again) == (409, "ticket-name-taken")
    assert making.owner.delete(f"/v1/tickets/{ticket['id']}").status_code == 200
    assert making.ticket(event)["id"] != ticket["id"]


def test_only_those_who_run_the_event_write_its_tickets(making: Making) -> None:
    event = making.event()
    ticket = making.ticket(event)
    given = {"name": "B", "type": "free", "sales_starts_at": text(NOW), "sales_ends_at": text(START)}
    assert making.child("tickets", "ticket", event, by=making.anyone, **given).status_code == 401
    assert code_of(making.child("tickets", "ticket", event, by=making.stranger, **given)) == (
        403,
        "event-role-required",
    )
    draft = making.event(state="draft")
    assert making.child("tickets", "ticket", draft, by=making.stranger, **given).status_code == 404
    assert patch(making.stranger, f"/v1/tickets/{ticket['id']}", "ticket", ticket["id"], price=1).status_code == 403
    assert making.stranger.delete(f"/v1/tickets/{ticket['id']}").status_code == 403
    assert making.admin.get(f"/v1/tickets/{ticket['id']}").json()["data"]["attributes"]["price"] == 50


def test_hidden_tickets_are_shown_to_those_who_run_the_event(making: Making) -> None:
    event = making.event()
    hidden = making.ticket(event, is_hidden=True)
    path = f"/v1/events/{event['id']}/tickets"
    assert making.stranger.get(path).json()["data"] == []
    assert making.stranger.get(f"/v1/tickets/{hidden['id']}").status_code == 404
    assert making.anyone.get(f"/v1/events/{event['id']}?include=tickets").json()["included"] == []
    assert len(making.owner.get(path).json()["data"]) == 1


def test_a_ticket_stays_with_its_event(making: Making) -> None:
    event, other = making.event(), making.event(name="Other")
    ticket = making.ticket(event)
    document = {
        "type": "ticket",
        "id": ticket["id"],
        "attributes": {"name": "X"},
        "relationships": {"event": to("event", other["id"])},
    }
    assert making.owner.patch(f"/v1/tickets/{ticket['id']}", json={"data": document}).status_code == 200
    assert making.anyone.get(f"/v1/tickets/{ticket['id']}/event").json()["data"]["id"] == event["id"]


def test_tickets_are_sorted_and_filtered_by_price(making: Making) -> None:
    event = making.event()
    for name, price in (("A", 30), ("B", 10), ("C", 20)):
        making.ticket(event, name=name, price=price)
    path = f"/v1/events/{event['id']}/tickets"
    shown = making.anyone.get(f"{path}?sort=-price").json()["data"]
    assert [each["attributes"]["name"] for each in shown] == ["A", "C", "B"]
    cheap = making.anyone.get(f'{path}?filter=[{{"name":"price","op":"le","val":20}}]&sort=price').json()["data"]
    assert [each["attributes"]["name"] for each in cheap] == ["B", "C"]


def test_availability_is_what_orders_has_left_of_visible_tickets(making: Making, orders: Orders) -> None:
    event = making.event()
    ticket = making.ticket(event, quantity=10)
    making.ticket(event, name="Secret", is_hidden=True)
    orders.sold[int(ticket["id"])] = 4
    answer = making.anyone.get(f"/v1/events/{event['attributes']['identifier']}/tickets/availability")
    assert answer.json() == [{"id": int(ticket["id"]), "name": "Stalls", "quantity": 10, "available": 6}]
    assert len(making.owner.get(f"/v1/events/{event['id']}/tickets/availability").json()) == 2


def test_availability_says_503_when_orders_does_not_answer(making: Making) -> None:
    event = making.event()
    making.ticket(event)
    answer = making.anyone.get(f"/v1/events/{event['id']}/tickets/availability")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    ("off", "kind"), [("ticket-include", "free"), ("payment-include", "paid"), ("donation-include", "donation")]
)
def test_what_a_module_switches_off_cannot_be_created(making: Making, off: str, kind: str) -> None:
    event = making.event()
    patch(making.admin, "/v1/modules", "module", "1", **{off: False})
    answer = making.child(
        "tickets", "ticket", event, name="A", type=kind, price=5, sales_starts_at=text(NOW), sales_ends_at=text(START)
    )
    assert code_of(answer) == (422, "module-off")
    assert answer.json()["errors"][0]["meta"] == {"module": off.removesuffix("-include")}


def test_an_event_has_one_tax_and_strangers_see_its_rate_only(making: Making) -> None:
    event = making.event()
    tax = made(making.child("taxes", "tax", event, name="VAT", rate=19, is_tax_included_in_price=True, tax_id="DE1"))
    assert code_of(making.child("taxes", "tax", event, name="VAT", rate=7)) == (409, "tax-exists")
    seen = making.anyone.get(f"/v1/events/{event['id']}/tax").json()["data"]["attributes"]
    assert set(seen) == {"name", "rate", "is-tax-included-in-price", "deleted-at"}
    assert seen["rate"] == 19
    assert making.owner.get(f"/v1/taxes/{tax['id']}").json()["data"]["attributes"]["tax-id"] == "DE1"
    assert making.anyone.get(f"/v1/events/{making.event(name='B')['id']}/tax").status_code == 404


def test_tax_has_to_be_switched_on_for_the_event(making: Making) -> None:
    event = making.event(is_tax_enabled=False)
    assert code_of(making.child("taxes", "tax", event, name="VAT", rate=7)) == (405, "tax-disabled")
