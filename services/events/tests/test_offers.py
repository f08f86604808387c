"""GetOffer: the checks in their order, each with its code, and that an offer is never older than its question."""

from datetime import timedelta
from typing import Any

import pytest

from chassis import clock, rpc
from chassis.errors import DomainError
from proto.events import events_pb2 as pb
from services.events.grpc_server import EventsServicer
from services.events.tests.conftest import NOW, OWNER, START, STRANGER, Making, Orders, patch, text

ask = EventsServicer().GetOffer


def offer(*lines: tuple[dict[str, Any], int], user: int = STRANGER, **rest: Any) -> pb.Offer:
    """The offer for tickets and quantities."""
    wanted = [pb.OfferLine(ticket_id=int(ticket["id"]), quantity=quantity) for ticket, quantity in lines]
    return ask(pb.OfferRequest(user_id=user, lines=wanted, **rest))


def refusal(*lines: tuple[dict[str, Any], int], **rest: Any) -> tuple[int, str]:
    """Status and code of what is refused."""
    with pytest.raises(DomainError) as refused:
        offer(*lines, **rest)
    assert str(refused.value.detail).endswith(".")
    return refused.value.status, refused.value.code


def test_offers_that_are_asked_for_together_are_those_of_each_asker(making: Making) -> None:
    event, other = making.event(), making.event(name="Other")
    ticket, of_other = making.ticket(event), making.ticket(other, name="Balcony")
    asked = [
        pb.OfferRequest(user_id=user, lines=[pb.OfferLine(ticket_id=int(of["id"]), quantity=units)])
        for user, of, units in (
            (STRANGER, ticket, 1),
            (STRANGER, {"id": 999}, 1),
            (OWNER, of_other, 2),
            (STRANGER, ticket, 99),
        )
    ]
    mine, unknown, runs, too_many = EventsServicer().GetOffers(pb.OffersRequest(requests=asked)).answers
    assert (mine.offer, runs.offer) == (ask(asked[0]), ask(asked[2]))
    assert (mine.offer.runs_event, runs.offer.runs_event, runs.offer.event.name) == (False, True, "Other")
    for answer, lines in ((unknown, ({"id": 999}, 1)), (too_many, (ticket, 99))):
        refused = rpc.refused(answer.refusal)
        assert (refused.status, refused.code) == refusal(lines)
    assert not EventsServicer().GetOffers(pb.OffersRequest()).answers


def test_an_offer_has_all_that_an_order_needs(making: Making) -> None:
    event = making.event()
    ticket = making.ticket(event)
    making.child("taxes", "tax", event, name="VAT", rate=19, is_tax_included_in_price=True)
    found = offer((ticket, 2))
    assert found.event.identifier == event["attributes"]["identifier"]
    [offered] = found.tickets
    assert (offered.ticket.price_minor, offered.ticket.quantity, offered.ticket.on_sale) == (5000, 100, True)
    assert (found.tax.name, found.tax.rate, found.tax.is_included) == ("VAT", "19", True)
    assert list(found.payment_modes) == ["free", "bank"]
    assert (found.runs_event, found.order_expiry_minutes) == (False, 15)
    assert [(field.identifier, field.is_required) for field in found.attendee_form] == [
        ("firstname", True),
        ("lastname", True),
        ("email", True),
    ]
    assert not found.HasField("discount")


def test_who_runs_the_event_is_told_so_and_sells_beyond_the_rules_for_buyers(making: Making) -> None:
    draft = making.event(state="draft")
    early = making.ticket(draft, sales_starts_at=text(NOW + timedelta(days=1)), is_hidden=True, min_order=5)
    found = offer((early, 1), user=OWNER)
    assert found.runs_event
    assert offer((early, 1), user=1, is_admin=True).runs_event
    assert refusal((early, 1)) == (404, "event-not-found")


def test_unknown_foreign_and_mixed_tickets(making: Making, orders: Orders) -> None:
    event, other = making.event(), making.event(name="Other")
    first, second = making.ticket(event), making.ticket(other)
    assert refusal(({"id": "999"}, 1)) == (404, "ticket-not-found")
    assert refusal((first, 1), (second, 1)) == (422, "tickets-of-several-events")
    assert refusal((first, 1), event_key=other["id"]) == (422, "ticket-wrong-event")
    assert refusal() == (422, "event-missing")
    assert refusal(event_key="deadbeef") == (404, "event-not-found")
    assert offer(event_key=event["attributes"]["identifier"]).event.id == int(event["id"])
    assert offer((first, 1), event_key=event["attributes"]["identifier"]).event.id == int(event["id"])
    making.owner.delete(f"/v1/tickets/{first['id']}")
    assert refusal((first, 1)) == (404, "ticket-not-found")
    assert offer((first, 1), ignore_sale_rules=True).tickets[0].ticket.deleted


@pytest.mark.parametrize(
    ("ticket", "quantity", "code"),
    [
        ({"sales_starts_at": text(NOW + timedelta(days=1))}, 1, "ticket-not-on-sale"),
        (
            {"sales_starts_at": text(NOW - timedelta(days=2)), "sales_ends_at": text(NOW - timedelta(days=1))},
            1,
            "ticket-not-on-sale",
        ),
        ({"min_order": 2}, 1, "order-quantity"),
        ({"max_order": 2}, 3, "order-quantity"),
        ({}, 0, "order-quantity"),
        ({}, -3, "order-quantity"),
        ({"is_hidden": True}, 1, "ticket-hidden"),
    ],
)
def test_what_buyers_cannot_order(making: Making, ticket: Any, quantity: Any, code: Any) -> None:
    assert refusal((making.ticket(making.event(), **ticket), quantity)) == (422, code)


def test_the_same_ticket_twice_counts_together(making: Making) -> None:
    ticket = making.ticket(making.event(), max_order=2)
    assert refusal((ticket, 2), (ticket, 1)) == (422, "order-quantity")


def test_nothing_is_sold_after_the_event(making: Making) -> None:
    ticket = making.ticket(making.event())
    with clock.freeze(START + timedelta(days=1)):
        assert refusal((ticket, 1)) == (422, "ticket-not-on-sale")


@pytest.mark.parametrize(
    ("module", "kind"), [("ticket-include", "free"), ("payment-include", "paid"), ("donation-include", "donation")]
)
def test_modules_take_effect_at_once(making: Making, module: str, kind: str) -> None:
    ticket = making.ticket(making.event(), type=kind)
    assert offer((ticket, 1))
    patch(making.admin, "/v1/modules", "module", "1", **{module: False})
    assert refusal((ticket, 1)) == (422, "module-off")
    assert refusal((ticket, 1), user=OWNER) == (422, "module-off")
    assert offer((ticket, 1), ignore_sale_rules=True)


def test_settings_take_effect_at_once(making: Making) -> None:
    ticket = making.ticket(making.event())
    assert offer((ticket, 1)).order_expiry_minutes == 15
    patch(making.admin, "/v1/settings", "setting", "1", order_expiry_time=30)
    assert offer((ticket, 1)).order_expiry_minutes == 30


def test_an_access_code_opens_its_hidden_tickets(making: Making) -> None:
    event = making.event()
    hidden, other = (making.ticket(event, name=name, is_hidden=True) for name in "AB")
    code = making.access(event, hidden["id"], min_quantity=1, max_quantity=2)
    assert offer((hidden, 1), access_code="backstage").access_code.id == int(code["id"])
    assert offer((hidden, 1), access_code="BACKSTAGE ").access_code.code == "BACKSTAGE"
    assert refusal((hidden, 1), access_code_id=int(code["id"])) == (422, "ticket-hidden"), "numbers can be guessed"
    assert refusal((hidden, 1), access_code=code["id"]) == (422, "access-code-not-found")
    assert refusal((other, 1), access_code="backstage") == (422, "access-code-wrong-ticket")
    assert refusal((hidden, 3), access_code="backstage") == (422, "access-code-quantity")
    assert refusal((hidden, 1), access_code="guess") == (422, "access-code-not-found")
    assert not offer((making.ticket(event), 1), access_code="backstage").HasField("access_code")
    patch(
        making.owner,
        f"/v1/access-codes/{code['id']}",
        "access-code",
        code["id"],
        valid_till=text(NOW - timedelta(days=1)),
    )
    assert refusal((hidden, 1), access_code="backstage") == (422, "access-code-outside-window")


def test_no_refusal_tells_the_name_of_a_hidden_ticket(making: Making) -> None:
    event = making.event()
    making.access(event, making.ticket(event, name="A", is_hidden=True)["id"])
    kinds: list[dict[str, Any]] = [{}, {"min_order": 2}, {"sales_starts_at": text(NOW + timedelta(days=1))}]
    for number, given in enumerate(kinds):
        secret = making.ticket(event, name=f"Friends {number}", is_hidden=True, **given)
        for word in ("", "backstage"):
            with pytest.raises(DomainError) as refused:
                offer((secret, 1), access_code=word)
            assert "Friends" not in refused.value.detail


def test_an_access_code_that_is_off_opens_nothing(making: Making, orders: Orders) -> None:
    event = making.event()
    hidden = making.ticket(event, is_hidden=True)
    code = making.access(event, hidden["id"])
    assert offer((hidden, 1), access_code="backstage")
    patch(making.owner, f"/v1/access-codes/{code['id']}", "access-code", code["id"], is_active=False)
    assert refusal((hidden, 1), access_code="backstage") == (422, "access-code-inactive")


def test_a_discount_is_for_its_tickets_only(making: Making) -> None:
    event = making.event()
    first, second = (making.ticket(event, name=name) for name in "AB")
    code = making.discount(event, first["id"], tickets_number=5, min_quantity=1, max_quantity=3)
    found = offer((first, 1), (second, 1), discount_code_id=int(code["id"]))
    assert (found.discount.code, found.discount.value, found.discount.tickets_number) == ("SPRING", "10", 5)
    assert {each.ticket.name: each.is_discounted for each in found.tickets} == {"A": True, "B": False}
    assert offer((first, 1), discount_code="spring").discount.id == int(code["id"])


def test_the_text_of_a_discount_comes_before_a_number(making: Making) -> None:
    event = making.event()
    ticket = making.ticket(event)
    first = making.discount(event, ticket["id"], code="FIRST")
    digits = making.discount(event, ticket["id"], code=first["id"], value=20)
    both = {"discount_code": first["id"], "discount_code_id": int(first["id"])}
    assert offer((ticket, 1), **both).discount.id == int(digits["id"])
    number = {"discount_code": digits["id"], "discount_code_id": int(digits["id"])}
    assert offer((ticket, 1), **number).discount.id == int(digits["id"])


def test_the_checks_of_a_discount_come_in_their_order(making: Making, orders: Orders) -> None:
    event, other = making.event(), making.event(name="Other")
    ticket, foreign = making.ticket(event), making.ticket(other)
    code = making.discount(
        event, ticket["id"], is_active=False, valid_till=text(NOW - timedelta(days=1)), min_quantity=2, max_quantity=2
    )
    path, number = f"/v1/discount-codes/{code['id']}", int(code["id"])
    assert refusal((foreign, 9), discount_code_id=number) == (422, "discount-inactive")
    patch(making.owner, path, "discount-code", code["id"], is_active=True)
    assert refusal((foreign, 9), discount_code_id=number) == (422, "discount-outside-window")
    patch(making.owner, path, "discount-code", code["id"], valid_till=None)
    assert refusal((foreign, 9), discount_code_id=number) == (422, "discount-wrong-event")
    second = making.ticket(event, name="B")
    assert refusal((second, 9), discount_code_id=number) == (422, "discount-wrong-ticket")
    assert refusal((ticket, 1), discount_code_id=number) == (422, "discount-quantity")
    assert refusal((ticket, 3), discount_code_id=number) == (422, "discount-quantity")
    assert offer((ticket, 2), discount_code_id=number).HasField("discount")
    assert refusal((ticket, 2), discount_code_id=4711) == (422, "discount-not-found")
    assert refusal((ticket, 2), discount_code="nothing") == (422, "discount-not-found")


def test_a_quote_is_no_sale(making: Making) -> None:
    event = making.event()
    tickets = [
        making.ticket(event, name="Few", min_order=2),
        making.ticket(event, name="Many", max_order=1),
        making.ticket(event, name="Early", sales_starts_at=text(NOW + timedelta(days=1))),
        making.ticket(event, name="Past", sales_ends_at=text(NOW - timedelta(hours=1))),
    ]
    code = making.discount(event, *(ticket["id"] for ticket in tickets), min_quantity=2, max_quantity=2)
    cart = [(ticket, 2) for ticket in tickets]
    found = offer(*cart, is_quote=True, discount_code_id=int(code["id"]))
    assert [each.is_discounted for each in found.tickets] == [True] * 4
    assert offer((tickets[0], 1), is_quote=True, discount_code_id=int(code["id"])).HasField("discount")
    with clock.freeze(START + timedelta(days=1)):
        assert offer(*cart, is_quote=True)
    assert refusal(*cart, discount_code_id=int(code["id"])) == (422, "ticket-not-on-sale")


def test_a_quote_asks_for_the_same_codes_as_a_sale(making: Making) -> None:
    event, other = making.event(), making.event(name="Other")
    hidden, ticket, foreign = making.ticket(event, is_hidden=True), making.ticket(event, name="B"), making.ticket(other)
    making.access(event, hidden["id"], min_quantity=2)
    assert refusal((hidden, 1), is_quote=True) == (422, "ticket-hidden")
    assert refusal((hidden, 1), is_quote=True, access_code="guess") == (422, "access-code-not-found")
    assert offer((hidden, 1), is_quote=True, access_code="backstage").HasField("access_code")
    assert refusal((hidden, 1), access_code="backstage") == (422, "access-code-quantity")
    number, off = (
        int(making.discount(event, hidden["id"], code=code, is_active=code != "OFF")["id"]) for code in ("ON", "OFF")
    )
    assert refusal((foreign, 1), is_quote=True, discount_code_id=number) == (422, "discount-wrong-event")
    assert refusal((ticket, 1), is_quote=True, discount_code_id=number) == (422, "discount-wrong-ticket")
    assert refusal((ticket, 1), is_quote=True, discount_code_id=off) == (422, "discount-inactive")
    assert refusal(({"id": "999"}, 1), is_quote=True) == (404, "ticket-not-found")


def test_event_admins_use_no_discount_codes(making: Making) -> None:
    event = making.event()
    ticket = making.ticket(event)
    code = making.discount(event, ticket["id"], is_active=False)
    found = offer((ticket, 1), user=OWNER, discount_code_id=int(code["id"]))
    assert not found.HasField("discount")
    assert not found.tickets[0].is_discounted


def test_the_code_of_an_event_is_not_for_orders(making: Making) -> None:
    event = making.event()
    ticket = making.ticket(event)
    given = {"code": "FEE", "type": "percent", "value": 50, "used_for": "event", "is_active": True}
    code = making.child("discount-codes", "discount-code", event, by=making.admin, **given).json()["data"]
    assert refusal((ticket, 1), discount_code_id=int(code["id"])) == (422, "discount-wrong-ticket")
    assert refusal((ticket, 1), discount_code="fee") == (422, "discount-not-found")


def test_an_offer_is_never_older_than_its_question(making: Making, orders: Orders) -> None:
    event = making.event()
    ticket = making.ticket(event)
    code = making.discount(event, ticket["id"])
    path = f"/v1/tickets/{ticket['id']}"
    before = offer((ticket, 1))
    for change, name, expected in (
        ({"price": 60}, "price_minor", 6000),
        ({"quantity": 40}, "quantity", 40),
        ({"name": "Circle"}, "name", "Circle"),
    ):
        assert patch(making.owner, path, "ticket", ticket["id"], **change).status_code == 200
        assert getattr(offer((ticket, 1)).tickets[0].ticket, name) == expected
    assert offer((ticket, 1)).tickets[0].ticket.version > before.tickets[0].ticket.version
    patch(making.owner, f"/v1/discount-codes/{code['id']}", "discount-code", code["id"], value=15)
    assert offer((ticket, 1), discount_code="SPRING").discount.value == "15"
    patch(making.owner, f"/v1/events/{event['id']}", "event", event["id"], state="draft")
    assert refusal((ticket, 1)) == (404, "event-not-found")


def test_facts_only_refuse_nothing(making: Making, orders: Orders) -> None:
    event = making.event()
    ticket = making.ticket(event, sales_starts_at=text(NOW + timedelta(days=1)))
    code = making.discount(event, ticket["id"], is_active=False)
    patch(making.owner, f"/v1/events/{event['id']}", "event", event["id"], state="draft")
    found = offer((ticket, 500), ignore_sale_rules=True, discount_code_id=int(code["id"]))
    assert (found.discount.is_active, found.tickets[0].is_discounted, found.event.state) == (False, True, "draft")
