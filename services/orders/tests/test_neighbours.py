"""What others ask of us and tell us: tightening, loosening, replicas, roles, PDFs, scans."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from chassis import clock
from chassis import db as chassis_db
from chassis.errors import NotFound, Unavailable
from chassis.inbox import Dispatcher, consumers_in
from chassis.messages import to_stamp
from proto.accounts import accounts_pb2
from proto.events import events_pb2
from proto.orders import orders_pb2
from proto.tickets import tickets_pb2
from services.orders import consumers, jobs
from services.orders.commands import restricting
from services.orders.domain.stock import BelowSold, revision
from services.orders.grpc_server import OrdersServicer
from services.orders.models import Attendee, CodeUse, Event, Stock, Ticket, User
from services.orders.tests.fair import EVENT, Fair, hear, patch, seats, stored, uses

SERVICER = OrdersServicer()


def limit(ticket: int, version: int, capacity: int, **more: Any) -> orders_pb2.StockLimit:
    values = {"on_sale": True, "event_id": EVENT, **more}
    return orders_pb2.StockLimit(ticket_id=ticket, version=version, capacity=capacity, **values)


def row(model: Any, *key: Any) -> Any:
    with chassis_db.transaction() as session:
        return session.get(model, key if len(key) > 1 else key[0])


def test_everything_that_is_said_to_us_has_a_handler() -> None:
    Dispatcher("orders", consumers_in([consumers]))


def test_capacity_is_not_lowered_below_what_is_held_and_sold(order: Any, fair: Any) -> None:
    order({"id": 1, "quantity": 3})
    request = orders_pb2.RestrictRequest(tickets=[limit(2, 2, 5), limit(1, 2, 2)])
    with pytest.raises(BelowSold) as refused:
        SERVICER.Restrict(request)
    assert refused.value.meta == {"ticket_id": 1, "held": 3, "sold": 0}
    assert row(Stock, 2) is None, "all or none"
    assert row(Stock, 1).capacity == 100
    SERVICER.Restrict(orders_pb2.RestrictRequest(tickets=[limit(1, 2, 3)]))
    assert row(Stock, 1).capacity == 3


def test_after_tightening_an_older_offer_sells_nothing(order: Any, buyer: Any, fair: Any) -> None:
    order({"id": 1, "quantity": 1})
    SERVICER.Restrict(orders_pb2.RestrictRequest(tickets=[limit(1, 2, 1)]))
    answer = buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 1}]})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "offer-changed")
    assert answer.headers["retry-after"] == "1"
    assert fair.offers == 3
    assert seats() == {1: (1, 0)}


def test_what_is_taken_off_sale_is_not_sold_but_deleted_only_unsold(order: Any, buyer: Any, fair: Any) -> None:
    order({"id": 1})
    with pytest.raises(BelowSold):
        SERVICER.Restrict(orders_pb2.RestrictRequest(tickets=[limit(1, 2, 100, on_sale=False, must_be_unsold=True)]))
    SERVICER.Restrict(orders_pb2.RestrictRequest(tickets=[limit(1, 2, 100, on_sale=False)]))
    fair.tickets[1].version, fair.tickets[1].on_sale = 2, False
    refused = buyer.post("/v1/orders/create-order", json={"tickets": [{"id": 1}]})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "not-on-sale")


def test_a_codes_limit_is_not_lowered_below_its_uses(order: Any, fair: Any) -> None:
    fair.offer_code(uses=10)
    order({"id": 1, "quantity": 3}, **{"discount-code": "9"})

    def lower(to: int) -> None:
        code = orders_pb2.CodeLimit(code_id=9, version=2, limit=to, is_active=True)
        chassis_db.run(lambda session: restricting.restrict(session, orders_pb2.RestrictRequest(codes=[code])))

    with pytest.raises(BelowSold):
        lower(2)
    lower(3)
    assert row(CodeUse, 9, False).use_limit == 3


def test_loosening_comes_by_message_and_a_late_one_is_ignored(order: Any, fair: Any) -> None:
    order({"id": 1})
    hear(
        consumers.store_ticket,
        events_pb2.TicketChanged(ticket=fair.ticket(1, "Day", "paid", 5000, version=3, quantity=500)),
    )
    hear(
        consumers.store_ticket,
        events_pb2.TicketChanged(ticket=fair.ticket(1, "Old", "paid", 5000, version=2, quantity=9)),
    )
    assert row(Stock, 1).capacity == 500
    assert row(Ticket, 1).name == "Day"
    restored = fair.ticket(1, "Restored", "paid", 5000, version=1, epoch=1, quantity=7)
    hear(consumers.store_ticket, events_pb2.TicketChanged(ticket=restored))
    assert (row(Stock, 1).capacity, row(Stock, 1).version, row(Ticket, 1).name) == (7, revision(1, 1), "Restored")
    assert seats() == {1: (1, 0)}


def test_a_tightening_that_was_never_committed_is_taken_back(order: Any, fair: Any) -> None:
    order({"id": 1})
    SERVICER.Restrict(orders_pb2.RestrictRequest(tickets=[limit(1, 2, 1)]))
    jobs.loosen_what_a_crash_left_tight()
    assert row(Stock, 1).capacity == 1, "events may just be about to commit"
    with clock.freeze(clock.now() + timedelta(minutes=2)):
        jobs.loosen_what_a_crash_left_tight()
    assert (row(Stock, 1).capacity, row(Stock, 1).version) == (100, revision(0, 1))


def test_availability_and_orders_are_told(order: Any, buyer: Any, fair: Any) -> None:
    placed = order({"id": 1, "quantity": 2}, {"id": 2})
    gone = order({"id": 1})
    buyer.patch(f"/v1/orders/{gone['attributes']['identifier']}", json=patch(gone, status="cancelled"))
    stock = SERVICER.GetAvailability(orders_pb2.AvailabilityRequest(event_id=EVENT)).tickets
    assert [(each.ticket_id, each.held, each.sold) for each in stock] == [(1, 2, 0), (2, 1, 0)]
    identifier = placed["attributes"]["identifier"]
    state = SERVICER.GetOrder(orders_pb2.GetOrderRequest(identifier=identifier))
    assert (state.amount_minor, len(state.attendees), state.event.identifier) == (12050, 3, "fa1r0000")
    with pytest.raises(NotFound):
        SERVICER.GetOrder(orders_pb2.GetOrderRequest(identifier="nobody"))


def test_codes_that_an_order_names_are_used_also_when_it_is_over(order: Any, buyer: Any, fair: Any) -> None:
    ask = orders_pb2.UsedCodesRequest(event_id=EVENT)
    order({"id": 1})
    assert list(SERVICER.GetUsedCodes(ask).discount_code_ids) == []
    fair.offer_code()
    gone = order({"id": 1}, **{"discount-code": "9"})
    buyer.patch(f"/v1/orders/{gone['attributes']['identifier']}", json=patch(gone, status="cancelled"))
    assert list(SERVICER.GetUsedCodes(ask).discount_code_ids) == [9]
    assert list(SERVICER.GetUsedCodes(orders_pb2.UsedCodesRequest(event_id=8)).discount_code_ids) == []


def coming_orders(user_id: int = 1) -> int:
    return SERVICER.GetComingOrders(orders_pb2.ComingOrdersRequest(user_id=user_id)).orders


def test_an_event_has_orders_also_when_all_are_over(order: Any, buyer: Any) -> None:
    def has_orders(event_id: int) -> bool:
        return SERVICER.GetEventSales(orders_pb2.EventSalesRequest(event_id=event_id)).has_orders

    assert not has_orders(EVENT)
    gone = order({"id": 1})
    buyer.patch(f"/v1/orders/{gone['attributes']['identifier']}", json=patch(gone, status="cancelled"))
    assert (has_orders(EVENT), has_orders(8)) == (True, False)


def test_a_number_of_orders_as_an_older_version_says_it_means_that_there_are_some() -> None:
    assert orders_pb2.EventSales.FromString(b"\x10\x02").has_orders  # field 2: two
    assert not orders_pb2.EventSales.FromString(b"\x10\x00").has_orders


def test_live_orders_of_events_that_have_not_ended_are_coming(order: Any, buyer: Any) -> None:
    assert coming_orders() == 0
    order({"id": 1})
    gone = order({"id": 1})
    assert (coming_orders(), coming_orders(user_id=2)) == (2, 0)
    buyer.patch(f"/v1/orders/{gone['attributes']['identifier']}", json=patch(gone, status="cancelled"))
    assert coming_orders() == 1
    with clock.freeze(clock.now() + timedelta(days=30, hours=7)):
        assert coming_orders() == 1, "the last hour of the event"
    with clock.freeze(clock.now() + timedelta(days=30, hours=9)):
        assert coming_orders() == 0


def test_events_codes_and_users_are_replicated(buyer: Any, order: Any, fair: Any) -> None:
    placed = order({"id": 1})
    renamed = events_pb2.Event()
    renamed.CopyFrom(fair.event)
    renamed.name, renamed.version = "The Great Fair", 2
    hear(consumers.store_event, events_pb2.EventChanged(event=renamed))
    assert row(Event, EVENT).name == "The Great Fair"
    code = events_pb2.DiscountCode(
        id=9, version=1, event_id=EVENT, code="SAVE", type="percent", value="10", is_active=True
    )
    hear(consumers.store_code, events_pb2.DiscountCodeChanged(discount_code=code))
    assert (uses(9), row(CodeUse, 9, False).use_limit) == (0, 0)
    user = accounts_pb2.User(
        id=1, version=1, email="user1@example.com", first_name="Ann", last_name="Lee", is_verified=True
    )
    hear(consumers.store_user, accounts_pb2.UserChanged(user=user))
    shown = buyer.get(f"/v1/orders/{placed['attributes']['identifier']}/user").json()["data"]
    assert (shown["id"], shown["attributes"]["first-name"]) == ("1", "Ann")
    assert (
        SERVICER.GetOrder(orders_pb2.GetOrderRequest(identifier=placed["attributes"]["identifier"])).buyer_name
        == "Ann Lee"
    )
    assert row(User, 1).is_verified


def test_roles_are_heard_and_taken_away(client: Any, order: Any, fair: Any) -> None:
    placed = order({"id": 1})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    assert client.as_user(60).get(path).status_code == 404
    role = events_pb2.EventRole(id=60, version=2, event_id=EVENT, user_id=60, roles=["organizer"])
    hear(consumers.store_event_role, events_pb2.EventRoleChanged(event_role=role))
    assert client.as_user(60).get(path).status_code == 200
    role.version, role.roles[:] = 3, []
    hear(consumers.store_event_role, events_pb2.EventRoleChanged(event_role=role))
    assert client.as_user(60).get(path).status_code == 404


def test_an_event_that_events_does_not_know_is_404_and_one_it_cannot_tell_is_503(
    client: Any, peer: Any, fair: Any
) -> None:
    admin = client.as_user(99, role="admin")
    assert admin.get("/v1/events/nope/orders").status_code == 404
    assert admin.get("/v1/events/fa1r0000/orders").status_code == 200
    assert admin.get("/v1/events/999999999999999999999/orders").status_code == 404


def test_an_event_cannot_be_looked_up_while_events_is_down(client: Any) -> None:
    answer = client.as_user(99, role="admin").get("/v1/events/7/orders")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_issued_tickets_put_their_links_on_the_attendees(order: Any, buyer: Any) -> None:
    placed = order({"id": 1})
    identifier = placed["attributes"]["identifier"]
    attendee = buyer.get(f"/v1/orders/{identifier}/attendees").json()["data"][0]

    def issue(url: str, version: int) -> None:
        ticket = tickets_pb2.IssuedTicket(attendee_id=int(attendee["id"]), pdf_url=url, version=version)
        message = tickets_pb2.TicketsIssued(order_identifier=identifier, tickets=[ticket], order_pdf_url="/order.pdf")
        hear(consumers.link_pdfs, message)

    issue("/2.pdf", 2)
    issue("/1.pdf", 1)
    shown = buyer.get(f"/v1/attendees/{attendee['id']}").json()["data"]["attributes"]
    assert shown["pdf-url"] == "/2.pdf"
    assert stored(identifier).tickets_pdf_url == "/order.pdf"


def test_a_scan_elsewhere_shows_on_the_attendee(order: Any, buyer: Any) -> None:
    placed = order({"id": 1})
    attendee = buyer.get(f"/v1/orders/{placed['attributes']['identifier']}/attendees").json()["data"][0]
    at = datetime(2026, 11, 24, 10, tzinfo=UTC)
    scanned = tickets_pb2.TicketScanned(attendee_id=int(attendee["id"]), checkin_times=[to_stamp(at)], version=1)
    hear(consumers.note_scan, scanned)
    shown = buyer.get(f"/v1/attendees/{attendee['id']}").json()["data"]["attributes"]
    assert (shown["is-checked-in"], shown["checkin-times"]) == (True, "2026-11-24T10:00:00.000000Z")


def test_the_ledger_never_goes_negative(order: Any) -> None:
    order({"id": 1})
    with pytest.raises(sa.exc.IntegrityError), chassis_db.transaction() as session:
        session.execute(sa.update(Stock).values(held=-1))


def test_an_erased_person_leaves_amounts_and_nothing_else(order: Any, buyer: Any, fair: Any) -> None:
    placed = order({"id": 1, "quantity": 2})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    buyer.patch(path, json=patch(placed, company="ACME", city="Rome"))
    mine, other = buyer.get(f"{path}/attendees").json()["data"]
    for attendee, email in ((mine, "User1@example.com"), (other, "friend@example.com")):
        body = patch(attendee, "attendee", firstname="Ann", email=email, complex_field_values={"diet": "none"})
        buyer.patch(f"/v1/attendees/{attendee['id']}", json=body, headers={"Idempotency-Key": email})
    user = accounts_pb2.User(id=1, version=1, email="user1@example.com", first_name="Ann")
    hear(consumers.store_user, accounts_pb2.UserChanged(user=user))
    erased = accounts_pb2.User(id=1, epoch=2**62, version=2**62, deleted=True, erased=True)
    hear(consumers.store_user, accounts_pb2.UserChanged(user=erased))
    user.version = 9
    hear(consumers.store_user, accounts_pb2.UserChanged(user=user))
    kept = stored(placed["attributes"]["identifier"])
    assert (kept.amount_minor, kept.status, kept.company, kept.city, kept.buyer_email) == (
        10000,
        "initializing",
        None,
        None,
        "",
    )
    known = row(User, 1)
    assert (known.email, known.first_name, known.is_deleted) == ("", "", True)
    assert (row(Attendee, int(mine["id"])).firstname, row(Attendee, int(mine["id"])).email) == (None, None)
    assert row(Attendee, int(mine["id"])).complex_field_values is None
    assert row(Attendee, int(other["id"])).firstname == "Ann"
    with chassis_db.transaction() as session:
        assert session.execute(sa.text("SELECT count(*) FROM idempotency")).scalar() == 0
    assert seats() == {1: (2, 0)}


@pytest.mark.parametrize("moved_in", [False, True])
def test_who_was_deleted_first_and_erased_later_is_found_by_address_unless_it_is_anothers_by_now(
    order: Any, buyer: Any, moved_in: bool
) -> None:
    def told(**user: Any) -> None:
        hear(consumers.store_user, accounts_pb2.UserChanged(user=accounts_pb2.User(**user)))

    told(id=77, version=1, email="Ann@example.com", is_verified=True)
    told(id=77, version=2, deleted=True)
    placed = order({"id": 1})
    path = f"/v1/orders/{placed['attributes']['identifier']}/attendees"
    [attendee] = buyer.get(path).json()["data"]
    body = patch(attendee, "attendee", firstname="Ann", email="ann@example.com")
    assert buyer.patch(f"/v1/attendees/{attendee['id']}", json=body).status_code == 200
    if moved_in:
        told(id=78, version=1, email="ann@example.com", is_verified=True)
    told(id=77, epoch=2**62, version=2**62, deleted=True, erased=True)
    assert row(Attendee, int(attendee["id"])).firstname == ("Ann" if moved_in else None)
    assert row(User, 77).email == ""


def test_who_is_only_deleted_may_come_back_and_keeps_everything(order: Any, buyer: Any) -> None:
    placed = order({"id": 1})
    [attendee] = buyer.get(f"/v1/orders/{placed['attributes']['identifier']}/attendees").json()["data"]
    body = patch(attendee, "attendee", firstname="Ann", email="ann@example.com")
    assert buyer.patch(f"/v1/attendees/{attendee['id']}", json=body).status_code == 200
    user = accounts_pb2.User(id=77, version=1, email="ann@example.com", is_verified=True)
    hear(consumers.store_user, accounts_pb2.UserChanged(user=user))
    hear(consumers.store_user, accounts_pb2.UserChanged(user=accounts_pb2.User(id=77, version=2, deleted=True)))
    assert (row(Attendee, int(attendee["id"])).firstname, row(User, 77).email) == ("Ann", "ann@example.com")


def test_a_new_service_reads_what_its_neighbours_have_and_once(peer: Any, client: Any) -> None:
    fair = Fair()
    asked: list[tuple[str, int]] = []

    def pages(kind: str, make: Any, rows: list[Any]) -> Any:
        def answer(request: Any) -> Any:
            asked.append((kind, request.after_id))
            return make(**{kind: [each for each in rows if each.id > request.after_id]})

        return answer

    role = events_pb2.EventRole(id=1, version=1, event_id=EVENT, user_id=60, roles=["owner"])
    code = events_pb2.DiscountCode(id=9, version=1, event_id=EVENT, code="SAVE", is_active=True, tickets_number=3)
    peer(
        "events",
        SnapshotEvents=pages("events", events_pb2.EventPage, [fair.event]),
        SnapshotTickets=pages("tickets", events_pb2.TicketPage, list(fair.tickets.values())),
        SnapshotDiscountCodes=pages("discount_codes", events_pb2.DiscountCodePage, [code]),
        SnapshotEventRoles=pages("event_roles", events_pb2.EventRolePage, [role]),
    )
    with pytest.raises(Unavailable):
        jobs.fill_replicas()  # accounts is down: what events has is kept
    user = accounts_pb2.User(id=1, version=1, email="user1@example.com")
    peer("accounts", SnapshotUsers=pages("users", accounts_pb2.UserPage, [user]))
    jobs.fill_replicas()
    jobs.fill_replicas()
    assert [kind for kind, _ in asked] == [
        each for kind in ("events", "tickets", "discount_codes", "event_roles", "users") for each in (kind, kind)
    ]
    assert (row(Event, EVENT).identifier, row(Stock, 1).capacity, row(CodeUse, 9, False).use_limit) == (
        "fa1r0000",
        100,
        3,
    )
    assert client.as_user(60).get(f"/v1/events/{EVENT}/orders").status_code == 200
