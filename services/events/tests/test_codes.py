"""Discount and access codes through HTTP."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from chassis.testing import Client
from proto.events.events_pb2 import DiscountCodeChanged
from services.events.tests.conftest import NOW, START, Making, Orders, Published, code_of, made, patch, text, to


def test_a_code_is_for_tickets_of_its_event(making: Making, published: Published) -> None:
    event = making.event()
    ticket = making.ticket(event)
    code = making.discount(event, ticket["id"], tickets_number=20)
    said = published(DiscountCodeChanged)[-1].discount_code
    assert (said.code, said.value, said.tickets_number, list(said.ticket_ids)) == (
        "SPRING",
        "10",
        20,
        [int(ticket["id"])],
    )
    shown = making.owner.get(f"/v1/discount-codes/{code['id']}?include=tickets,event").json()
    assert {each["type"] for each in shown["included"]} == {"ticket", "event"}


def test_buyers_follow_the_links_of_a_code(making: Making) -> None:
    event = making.event()
    making.discount(event, making.ticket(event)["id"])
    for buyer in (making.anyone, making.stranger):
        found = buyer.get(f"/v1/events/{event['id']}/discount-codes/SPRING").json()["data"]["relationships"]
        shown = buyer.get(found["event"]["links"]["related"])
        assert shown.status_code == 200, shown.text
        assert shown.json()["data"]["attributes"]["identifier"] == event["attributes"]["identifier"]
        assert buyer.get(found["tickets"]["links"]["related"]).json()["meta"]["count"] == 1


def test_the_event_of_a_code_is_shown_to_who_may_see_the_event(making: Making) -> None:
    draft = making.event(state="draft")
    path = f"/v1/discount-codes/{making.discount(draft)['id']}/event"
    assert making.owner.get(path).json()["data"]["id"] == draft["id"]
    assert making.anyone.get(path).status_code == 404
    given = {"code": "FEE", "type": "percent", "value": 50, "used_for": "event", "is_active": True}
    of_event = made(making.child("discount-codes", "discount-code", making.event(), by=making.admin, **given))
    path = f"/v1/discount-codes/{of_event['id']}/event"
    assert making.admin.get(path).status_code == 200
    assert making.anyone.get(path).status_code == 404


@pytest.mark.parametrize("code", ["A&B", "C++", "50%", "VIP 1", "a#b", "ünï"])
def test_the_tickets_of_an_access_code_are_found_by_its_link(making: Making, code: str) -> None:
    event = making.event()
    making.access(event, making.ticket(event, is_hidden=True)["id"], code=code)
    found = making.anyone.get(f"/v1/events/{event['id']}/access-codes/{quote(code, safe='')}").json()["data"]
    answer = making.anyone.get(found["relationships"]["tickets"]["links"]["related"])
    assert (answer.status_code, answer.json().get("meta", {}).get("count")) == (200, 1)


def test_a_change_of_its_tickets_is_told_too(making: Making, published: Published) -> None:
    event = making.event()
    first, second = making.ticket(event), making.ticket(event, name="B")
    code = making.discount(event, first["id"])
    document = {
        "type": "discount-code",
        "id": code["id"],
        "relationships": {"tickets": {"data": [{"type": "ticket", "id": second["id"]}]}},
    }
    assert making.owner.patch(f"/v1/discount-codes/{code['id']}", json={"data": document}).status_code == 200
    before, after = [each.discount_code for each in published(DiscountCodeChanged)]
    assert list(after.ticket_ids) == [int(second["id"])]
    assert after.version > before.version


@pytest.mark.parametrize(
    ("attributes", "status", "code"),
    [
        ({"value": 101}, 422, "value-invalid"),
        ({"type": "amount", "value": 51}, 422, "value-invalid"),
        ({"value": -1}, 422, "invalid"),
        ({"min_quantity": 3, "max_quantity": 2}, 422, "quantity-invalid"),
        ({"tickets_number": 2, "max_quantity": 3}, 422, "quantity-invalid"),
        ({"valid_from": text(START + timedelta(days=2))}, 422, "window-invalid"),
        ({"code": "  "}, 422, "code-missing"),
        ({"used_for": "shoes"}, 422, "invalid"),
    ],
)
def test_a_code_that_makes_no_sense_is_refused(
    making: Making, published: Published, attributes: Any, status: Any, code: Any
) -> None:
    event = making.event()
    ticket = making.ticket(event)
    given = {"code": "A", "type": "percent", "value": 10, "used_for": "ticket", **attributes}
    related = {"tickets": {"data": [{"type": "ticket", "id": ticket["id"]}]}}
    assert code_of(making.child("discount-codes", "discount-code", event, related=related, **given)) == (status, code)
    assert published(DiscountCodeChanged) == []


def test_free_and_foreign_tickets_are_not_discounted(making: Making) -> None:
    event, other = making.event(), making.event(name="Other")
    for ticket in (making.ticket(event, type="free"), making.ticket(other)):
        related = {"tickets": {"data": [{"type": "ticket", "id": ticket["id"]}]}}
        given = {"code": "A", "type": "percent", "value": 10, "used_for": "ticket"}
        answer = making.child("discount-codes", "discount-code", event, related=related, **given)
        assert code_of(answer) == (422, "ticket-unfit")


def test_a_code_reads_the_same_in_every_case_once_per_event(making: Making) -> None:
    event = making.event()
    making.discount(event)
    given = {"code": "spring", "type": "percent", "value": 5, "used_for": "ticket"}
    assert code_of(making.child("discount-codes", "discount-code", event, **given)) == (409, "code-taken")
    found = making.anyone.get(f"/v1/events/{event['id']}/discount-codes/sPrInG?code=sPrInG&eventIdentifier=x")
    assert found.json()["data"]["attributes"]["code"] == "SPRING"
    assert making.anyone.get(f"/v1/events/{event['id']}/discount-codes/AUTUMN").status_code == 404


def test_a_code_that_cannot_be_used_now_answers_405(making: Making) -> None:
    event = making.event()
    making.discount(event, code="OFF", is_active=False)
    making.discount(event, code="LATER", valid_from=text(NOW + timedelta(days=1)))
    path = f"/v1/events/{event['id']}/discount-codes"
    assert code_of(making.anyone.get(f"{path}/off")) == (405, "discount-inactive")
    assert code_of(making.anyone.get(f"{path}/later")) == (405, "discount-outside-window")


def test_codes_are_listed_for_those_who_run_the_event(making: Making) -> None:
    event = making.event()
    code = making.discount(event)
    path = f"/v1/events/{event['id']}/discount-codes"
    assert making.owner.get(path).json()["meta"]["count"] == 1
    assert making.anyone.get(path).status_code == 401
    assert making.stranger.get(path).status_code == 403
    assert making.stranger.get(f"/v1/discount-codes/{code['id']}").status_code == 404
    assert (
        patch(making.stranger, f"/v1/discount-codes/{code['id']}", "discount-code", code["id"], value=99).status_code
        == 404
    )
    assert making.owner.get("/v1/discount-codes").status_code == 403
    assert making.admin.get("/v1/discount-codes").json()["meta"]["count"] == 1


def test_a_marketer_sees_the_own_codes(making: Making, client: Client) -> None:
    event = making.event()
    related = {"marketer": to("user", "55")}
    given = {"code": "M", "type": "percent", "value": 5, "used_for": "ticket"}
    made(making.child("discount-codes", "discount-code", event, related=related, **given))
    assert client.as_user(55).get("/v1/users/55/discount-codes").json()["meta"]["count"] == 1
    assert making.owner.get("/v1/users/55/discount-codes").status_code == 403


def test_the_code_of_an_event_is_for_server_admins_and_there_is_one(making: Making, orders: Orders) -> None:
    event = making.event()
    given = {"code": "FEE", "type": "percent", "value": 50, "used_for": "event", "is_active": True}
    assert code_of(making.child("discount-codes", "discount-code", event, **given)) == (403, "role-required")
    code = made(making.child("discount-codes", "discount-code", event, by=making.admin, **given))
    second = making.child("discount-codes", "discount-code", event, by=making.admin, **{**given, "code": "FEE2"})
    assert code_of(second) == (422, "event-code-exists")
    path = f"/v1/events/{event['id']}/discount-code"
    assert making.owner.get(path).status_code == 403
    assert making.admin.get(path).json()["data"]["id"] == code["id"]
    assert making.owner.get(f"/v1/events/{event['id']}/discount-codes").json()["data"] == []
    assert making.admin.get(f"/v1/events/{event['id']}/discount-codes").json()["meta"]["count"] == 1
    assert making.anyone.get(f"/v1/events/{event['id']}/discount-codes/FEE").status_code == 404
    assert patch(making.admin, path, "discount-code", code["id"], value=40).status_code == 200
    assert making.admin.get(f"/v1/discount-codes/{code['id']}/events").json()["meta"]["count"] == 1
    assert making.admin.delete(path).status_code == 200
    assert making.admin.get(path).status_code == 404


def test_what_a_code_is_used_for_never_changes(making: Making) -> None:
    code = making.discount(making.event())
    answer = patch(making.owner, f"/v1/discount-codes/{code['id']}", "discount-code", code["id"], used_for="event")
    assert code_of(answer) == (409, "used-for-fixed")


def test_access_codes_open_hidden_tickets_only(making: Making) -> None:
    event = making.event()
    public = making.ticket(event)
    related = {"tickets": {"data": [{"type": "ticket", "id": public["id"]}]}}
    answer = making.child("access-codes", "access-code", event, related=related, code="A")
    assert code_of(answer) == (409, "ticket-not-hidden")


def test_whoever_names_an_access_code_sees_what_it_opens(making: Making) -> None:
    event = making.event()
    hidden = making.ticket(event, is_hidden=True)
    code = making.access(event, hidden["id"])
    found = making.anyone.get(f"/v1/events/{event['id']}/access-codes/backstage?code=backstage&eventIdentifier=x")
    link = found.json()["data"]["relationships"]["tickets"]["links"]["related"]
    assert [each["id"] for each in making.anyone.get(link).json()["data"]] == [hidden["id"]]
    assert making.stranger.get(f"/v1/access-codes/{code['id']}/tickets").status_code == 404
    assert making.stranger.get(f"/v1/access-codes/{code['id']}/tickets?code=guess").status_code == 404
    assert making.stranger.get(f"/v1/access-codes/{code['id']}").status_code == 404
    assert making.owner.get(f"/v1/events/{event['id']}/access-codes").json()["meta"]["count"] == 1
    assert making.anyone.get(f"/v1/events/{event['id']}/access-codes/nothing").status_code == 404


def test_deleting_a_code_asks_orders_and_frees_its_text(making: Making, orders: Orders, published: Published) -> None:
    event = making.event()
    code = making.discount(event)
    assert making.owner.delete(f"/v1/discount-codes/{code['id']}").status_code == 200
    assert [limit.is_active for limit in orders.restricted[-1].codes] == [False]
    said = published(DiscountCodeChanged)[-1].discount_code
    assert (said.deleted, said.is_active) == (True, False)
    assert making.discount(event)["id"] != code["id"]


def test_codes_that_nobody_used_go_at_once(making: Making, orders: Orders, published: Published) -> None:
    event, other = making.event(), making.event(name="Other")
    used, first, off = (
        making.discount(event, code=code, is_active=code != "OFF")["id"] for code in ("USED", "FIRST", "OFF")
    )
    given = {"code": "FEE", "type": "percent", "value": 50, "used_for": "event", "is_active": True}
    fee = made(making.child("discount-codes", "discount-code", event, by=making.admin, **given))["id"]
    foreign = making.discount(other)["id"]
    orders.used_codes = [int(used)]
    before = len(published(DiscountCodeChanged))
    answer = making.owner.delete(f"/v1/events/{event['attributes']['identifier']}/discount-codes/delete-unused")
    assert (answer.status_code, answer.json()["meta"]["count"]) == (200, 2)
    left = {code: making.admin.get(f"/v1/discount-codes/{code}").status_code for code in (used, fee, foreign)}
    assert set(left.values()) == {200}, left
    assert {making.admin.get(f"/v1/discount-codes/{code}").status_code for code in (first, off)} == {404}
    [restriction] = orders.restricted
    assert [(limit.code_id, limit.is_active) for limit in restriction.codes] == [(int(first), False)]
    said = [each.discount_code for each in published(DiscountCodeChanged)[before:]]
    assert [(each.id, each.deleted) for each in said] == [(int(first), True), (int(off), True)]
    again = making.owner.delete(f"/v1/events/{event['id']}/discount-codes/delete-unused")
    assert again.json()["meta"]["count"] == 0


def test_unused_codes_are_cleared_by_those_who_run_the_event_and_not_in_the_dark(making: Making) -> None:
    event = making.event()
    code = making.discount(event)["id"]
    path = f"/v1/events/{event['id']}/discount-codes/delete-unused"
    assert making.anyone.delete(path).status_code == 401
    assert code_of(making.stranger.delete(path)) == (403, "event-role-required")
    assert making.owner.delete(path).status_code == 503, "orders does not answer"
    assert making.owner.get(f"/v1/discount-codes/{code}").status_code == 200
