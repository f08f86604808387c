"""What was promised to buyers is taken back only with the agreement of orders."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from chassis import clock
from chassis.errors import Unavailable
from proto.events.events_pb2 import DiscountCodeChanged, EventChanged, TicketChanged
from services.events import jobs, promises
from services.events.models import Restriction, Ticket
from services.events.tests.conftest import Making, Orders, Published, code_of, patch


def test_fewer_seats_are_agreed_upon_before_they_are_committed(
    making: Making, orders: Orders, published: Published
) -> None:
    ticket = making.ticket(making.event(), quantity=100)
    seen: list[int] = []
    orders.before_answer = lambda: seen.append(published(TicketChanged)[-1].ticket.quantity)
    assert patch(making.owner, f"/v1/tickets/{ticket['id']}", "ticket", ticket["id"], quantity=60).status_code == 200
    [limit] = orders.restricted[-1].tickets
    before, after = [each.ticket for each in published(TicketChanged)]
    assert (limit.capacity, limit.on_sale, limit.must_be_unsold) == (60, True, False)
    assert before.version < limit.version < after.version
    assert (seen, after.quantity) == ([100], 60)


def test_a_refusal_of_orders_is_the_answer_and_changes_nothing(
    making: Making, orders: Orders, db: Session, published: Published
) -> None:
    ticket = making.ticket(making.event())
    orders.sold[int(ticket["id"])] = 70
    answer = patch(making.owner, f"/v1/tickets/{ticket['id']}", "ticket", ticket["id"], quantity=60)
    assert code_of(answer) == (409, "below-sold")
    assert answer.json()["errors"][0]["meta"] == {"held": 0, "sold": 70}
    assert making.anyone.get(f"/v1/tickets/{ticket['id']}").json()["data"]["attributes"]["quantity"] == 100
    assert len(published(TicketChanged)) == 1
    assert db.scalars(select(Restriction)).all() == []


def test_what_others_know_goes_for_good_only_after_they_know_it_deleted(
    making: Making, orders: Orders, published: Published
) -> None:
    event = making.event()
    ticket = making.ticket(event)
    code, access = making.discount(event), making.access(event)
    told = len(published())
    orders.sold[int(ticket["id"])] = 5
    for path in (
        f"/v1/tickets/{ticket['id']}",
        f"/v1/discount-codes/{code['id']}",
        f"/v1/access-codes/{access['id']}",
        f"/v1/events/{event['id']}",
    ):
        assert code_of(making.super_admin.delete(f"{path}?permanent=true")) == (409, "not-deleted")
        assert making.owner.get(path).status_code == 200
    assert (len(published()), orders.restricted) == (told, [])
    orders.sold.clear()
    for path in (f"/v1/tickets/{ticket['id']}", f"/v1/events/{event['id']}"):
        assert making.super_admin.delete(path).status_code == 200
        assert making.super_admin.delete(f"{path}?permanent=true&get_trashed=true").status_code == 200
        assert making.super_admin.get(f"{path}?get_trashed=true").status_code == 404


def test_while_orders_is_down_nothing_is_taken_back_and_everything_else_works(
    making: Making, db: Session, published: Published
) -> None:
    event = making.event()
    ticket = making.ticket(event)
    path = f"/v1/tickets/{ticket['id']}"
    assert patch(making.owner, path, "ticket", ticket["id"], quantity=60).status_code == 503
    assert making.owner.delete(path).status_code == 503
    assert patch(making.owner, f"/v1/events/{event['id']}", "event", event["id"], state="draft").status_code == 503
    shown = making.anyone.get(path).json()["data"]["attributes"]
    assert (shown["quantity"], shown["deleted-at"]) == (100, None)
    assert patch(making.owner, path, "ticket", ticket["id"], quantity=160, price=40).status_code == 200
    assert published(TicketChanged)[-1].ticket.quantity == 160
    assert len(db.scalars(select(Restriction)).all()) == 3


def test_more_seats_need_no_agreement(making: Making, orders: Orders) -> None:
    ticket = making.ticket(making.event())
    assert patch(making.owner, f"/v1/tickets/{ticket['id']}", "ticket", ticket["id"], quantity=101).status_code == 200
    assert orders.restricted == []


def test_a_sold_ticket_is_not_deleted(making: Making, orders: Orders) -> None:
    ticket = making.ticket(making.event())
    orders.sold[int(ticket["id"])] = 1
    assert code_of(making.owner.delete(f"/v1/tickets/{ticket['id']}")) == (409, "below-sold")
    assert orders.restricted[-1].tickets[0].must_be_unsold
    assert making.anyone.get(f"/v1/tickets/{ticket['id']}").status_code == 200


def test_an_event_leaves_the_market_with_all_its_tickets(making: Making, orders: Orders, published: Published) -> None:
    event = making.event()
    for name in ("A", "B"):
        making.ticket(event, name=name)
    assert patch(making.owner, f"/v1/events/{event['id']}", "event", event["id"], state="draft").status_code == 200
    assert [(limit.on_sale, limit.must_be_unsold) for limit in orders.restricted[-1].tickets] == [(False, False)] * 2
    assert [each.ticket.on_sale for each in published(TicketChanged)][-2:] == [False, False]
    assert published(EventChanged)[-1].event.state == "draft"


def test_codes_are_limited_with_agreement_and_widened_without(
    making: Making, orders: Orders, published: Published
) -> None:
    code = making.discount(making.event(), tickets_number=10)
    path = f"/v1/discount-codes/{code['id']}"
    for change, asked in (
        ({"tickets_number": 5}, 1),
        ({"tickets_number": 8}, 1),
        ({"tickets_number": None}, 1),
        ({"tickets_number": 9}, 2),
        ({"is_active": False}, 3),
        ({"is_active": True}, 3),
    ):
        assert patch(making.owner, path, "discount-code", code["id"], **change).status_code == 200
        assert len(orders.restricted) == asked, change
    assert [each.limit for request in orders.restricted for each in request.codes] == [5, 9, 9]
    assert published(DiscountCodeChanged)[-1].discount_code.is_active


def test_a_change_in_between_is_asked_about_again(making: Making, orders: Orders, published: Published) -> None:
    """Orders agreed to 60 of 100; meanwhile somebody made it 200, so the agreement no longer fits what it was about."""
    ticket = making.ticket(making.event())

    def interfere() -> None:
        orders.before_answer = lambda: None
        assert (
            patch(making.admin, f"/v1/tickets/{ticket['id']}", "ticket", ticket["id"], quantity=200).status_code == 200
        )

    orders.before_answer = interfere
    assert patch(making.owner, f"/v1/tickets/{ticket['id']}", "ticket", ticket["id"], quantity=60).status_code == 200
    first, second = (request.tickets[0] for request in orders.restricted)
    assert second.version > first.version
    states = [(each.ticket.version, each.ticket.quantity) for each in published(TicketChanged)]
    assert [quantity for _, quantity in states][-1] == 60
    assert states == sorted(states, key=lambda state: state[0])
    assert states[-1][0] > second.version


def test_a_crash_after_the_agreement_is_repaired(
    making: Making, orders: Orders, db: Session, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = making.ticket(making.event())
    asked = promises.ask

    def crash(limits: Any) -> None:
        asked(limits)
        raise RuntimeError("killed")

    monkeypatch.setattr(promises, "ask", crash)
    patch(making.owner, f"/v1/tickets/{ticket['id']}", "ticket", ticket["id"], quantity=60)
    restricted = orders.restricted[-1].tickets[0].version
    jobs.repair_restrictions()
    assert published(TicketChanged)[-1].ticket.version < restricted
    with clock.freeze(clock.now() + timedelta(minutes=1)):
        jobs.repair_restrictions()
    said = published(TicketChanged)[-1].ticket
    assert (said.quantity, said.version > restricted) == (100, True)
    assert db.scalars(select(Restriction)).all() == []


def test_an_agreement_that_is_not_used_is_given_back_at_once(
    making: Making, orders: Orders, db: Session, published: Published
) -> None:
    """Orders agreed, but then the change itself is refused: here because the name was taken in between."""
    event = making.event()
    ticket = making.ticket(event)
    orders.before_answer = lambda: making.ticket(event, name="Gallery")
    answer = patch(making.owner, f"/v1/tickets/{ticket['id']}", "ticket", ticket["id"], quantity=60, name="Gallery")
    assert code_of(answer) == (409, "ticket-name-taken")
    said = [each.ticket for each in published(TicketChanged) if each.ticket.id == int(ticket["id"])][-1]
    assert (said.quantity, said.version > orders.restricted[-1].tickets[0].version) == (100, True)
    assert db.scalars(select(Restriction)).all() == []


def test_rows_are_changed_through_the_orm_or_nobody_hears_of_it(
    making: Making, db: Session, published: Published
) -> None:
    """Why `telling` asks for the ORM: this is what it cannot notice."""
    ticket = making.ticket(making.event())
    db.execute(update(Ticket).where(Ticket.id == int(ticket["id"])).values(quantity=5))
    db.commit()
    assert published(TicketChanged)[-1].ticket.quantity == 100


def test_an_unanswered_question_is_an_unavailable_one(making: Making, orders: Orders) -> None:
    ticket = making.ticket(making.event())

    def fail() -> None:
        raise Unavailable("orders is starting")

    orders.before_answer = fail
    answer = patch(making.owner, f"/v1/tickets/{ticket['id']}", "ticket", ticket["id"], quantity=60)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
