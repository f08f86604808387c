"""Attendees of an order: their data, the door, lists, search, export, tags, statistics, mails."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from chassis import clock
from chassis.errors import Conflict
from chassis.messages import to_stamp
from proto.orders import orders_pb2
from proto.tickets import tickets_pb2
from services.orders import consumers
from services.orders.tests.fair import EVENT, change, hear, patch


@pytest.fixture
def registrar(client: Any, fair: Any) -> Any:
    fair.roles[51] = ["registrar"]
    return client.as_user(51)


@pytest.fixture
def completed(order: Any, organizer: Any) -> Any:
    """A completed order of two, and its attendees' resources."""
    placed = order({"id": 1, "quantity": 2})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    assert organizer.patch(path, json=patch(placed, status="completed")).status_code == 200
    return placed, organizer.get(f"{path}/attendees").json()["data"]


class Door:
    """The tickets service: says what it knows, or refuses a double entry."""

    def __init__(self) -> None:
        self.requests: list[tickets_pb2.ScanRequest] = []
        self.times: dict[int, list[Any]] = {}

    def scan(self, request: tickets_pb2.ScanRequest) -> tickets_pb2.ScanReply:
        self.requests.append(request)
        if request.checkin_times and self.times.get(request.attendee_id):
            raise Conflict("Already in.", code="already-checked-in", meta={"door": "A"})
        self.times.setdefault(request.attendee_id, []).extend(request.checkin_times)
        return tickets_pb2.ScanReply(
            checkin_times=self.times[request.attendee_id], checkout_times=request.checkout_times
        )


@pytest.fixture
def door(peer: Any) -> Door:
    door = Door()
    peer("tickets", Scan=door.scan)
    return door


def test_a_changed_name_or_address_after_the_issue_is_told(completed: Any, buyer: Any, published: Any) -> None:
    placed, [attendee, _] = completed
    path = f"/v1/attendees/{attendee['id']}"
    assert buyer.patch(path, json=patch(attendee, "attendee", city="Rome")).status_code == 200
    assert published(orders_pb2.AttendeeChanged) == []
    assert buyer.patch(path, json=patch(attendee, "attendee", firstname="Bo", email="bo@x.org")).status_code == 200
    [said] = published(orders_pb2.AttendeeChanged)
    assert (said.order_identifier, said.attendee.first_name, said.attendee.email) == (
        placed["attributes"]["identifier"],
        "Bo",
        "bo@x.org",
    )
    assert said.attendee.ticket_name == "Day"


def test_read_only_attributes_are_ignored_and_the_order_stays(completed: Any, buyer: Any) -> None:
    _, [attendee, _] = completed
    sent = {**attendee["attributes"], "pdf-url": "http://evil", "identifier": "x", "seat": "none", "price": 1}
    answer = buyer.patch(
        f"/v1/attendees/{attendee['id']}",
        json={
            "data": {
                "type": "attendee",
                "id": attendee["id"],
                "attributes": sent,
                "relationships": {"order": {"data": {"type": "order", "id": "77"}}},
            }
        },
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["attributes"] == attendee["attributes"]


def test_attendees_of_an_order_that_ended_cannot_be_changed(order: Any, buyer: Any) -> None:
    placed = order({"id": 1})
    path = f"/v1/orders/{placed['attributes']['identifier']}"
    attendee = buyer.get(f"{path}/attendees").json()["data"][0]
    buyer.patch(path, json=patch(placed, status="cancelled"))
    refused = buyer.patch(f"/v1/attendees/{attendee['id']}", json=patch(attendee, "attendee", firstname="Bo"))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "order-closed")


def test_a_registrar_checks_in_once_and_nothing_else(completed: Any, registrar: Any, door: Door) -> None:
    _, [attendee, _] = completed
    path = f"/v1/attendees/{attendee['id']}"
    first = "2026-11-24T10:00:00.000Z"
    body = patch(
        attendee, "attendee", checkin_times=first, is_checked_in=True, device_name_checkin="A", firstname="Eve"
    )
    answer = registrar.patch(path, json=body)
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["is-checked-in"], attributes["firstname"]) == (True, None)
    assert (attributes["checkin-times"], attributes["device-name-checkin"]) == ("2026-11-24T10:00:00.000000Z", "A")
    assert [each.door for each in door.requests] == ["A"]
    again = registrar.patch(path, json=patch(attendee, "attendee", checkin_times=first))
    assert again.status_code == 200
    assert len(door.requests) == 1, "a time that is known is no entry"
    twice = registrar.patch(path, json=patch(attendee, "attendee", checkin_times=f"{first},2026-11-24T11:00:00Z"))
    assert (twice.status_code, twice.json()["errors"][0]["code"]) == (409, "already-checked-in")
    assert twice.json()["errors"][0]["meta"] == {"door": "A"}


def test_buyers_do_not_check_themselves_in(completed: Any, buyer: Any, door: Door) -> None:
    _, [attendee, _] = completed
    answer = buyer.patch(
        f"/v1/attendees/{attendee['id']}", json=patch(attendee, "attendee", checkin_times="2026-11-24T10:00:00Z")
    )
    assert answer.json()["data"]["attributes"]["is-checked-in"] is False
    assert door.requests == []


def test_the_door_being_closed_changes_nothing(completed: Any, registrar: Any) -> None:
    _, [attendee, _] = completed
    body = patch(attendee, "attendee", checkin_times="2026-11-24T10:00:00Z", attendee_notes="tall")
    assert registrar.patch(f"/v1/attendees/{attendee['id']}", json=body).status_code == 503
    shown = registrar.get(f"/v1/attendees/{attendee['id']}").json()["data"]["attributes"]
    assert (shown["attendee-notes"], shown["is-checked-in"]) == (None, False)


def test_what_is_refused_here_is_not_written_down_at_the_door(completed: Any, registrar: Any, door: Door) -> None:
    _, [attendee, _] = completed
    path = f"/v1/attendees/{attendee['id']}"
    body = patch(attendee, "attendee", checkin_times="2026-11-24T10:00:00Z", tag_id=999)
    refused = registrar.patch(path, json=body)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "tag-unknown")
    assert door.requests == []


def test_an_answer_of_the_door_that_is_saved_late_undoes_nothing_newer(
    completed: Any, registrar: Any, peer: Any
) -> None:
    """Another device checked the attendee out, and that was heard, while this one's answer was on its way."""
    _, [attendee, _] = completed
    came, left = (to_stamp(datetime(2026, 11, 24, hour, tzinfo=UTC)) for hour in (10, 11))

    def scan(request: tickets_pb2.ScanRequest) -> tickets_pb2.ScanReply:
        for version, checkouts in ((1, []), (2, [left])):
            message = tickets_pb2.TicketScanned(
                attendee_id=request.attendee_id, checkin_times=[came], checkout_times=checkouts, version=version
            )
            hear(consumers.note_scan, message)
        return tickets_pb2.ScanReply(checkin_times=[came])

    peer("tickets", Scan=scan)
    body = patch(attendee, "attendee", checkin_times="2026-11-24T10:00:00Z")
    shown = registrar.patch(f"/v1/attendees/{attendee['id']}", json=body).json()["data"]["attributes"]
    assert (shown["checkout-times"], shown["is-checked-out"]) == ("2026-11-24T11:00:00.000000Z", True)


def test_who_left_on_the_second_day_has_left_also_if_nobody_saw_it_on_the_first(completed: Any, organizer: Any) -> None:
    _, [attendee, _] = completed
    first, second, left = (to_stamp(datetime(2026, 11, *at, tzinfo=UTC)) for at in ((24, 10), (25, 10), (25, 17)))
    message = tickets_pb2.TicketScanned(
        attendee_id=int(attendee["id"]), checkin_times=[first, second], checkout_times=[left], version=3
    )
    hear(consumers.note_scan, message)
    shown = organizer.get(f"/v1/attendees/{attendee['id']}").json()["data"]["attributes"]
    assert shown["is-checked-out"] is True


def test_each_entry_keeps_its_own_door(completed: Any, registrar: Any, peer: Any) -> None:
    """The first way in was scanned elsewhere: this device did not see it."""
    _, [attendee, _] = completed
    first, second, left = (to_stamp(datetime(2026, 11, 24, hour, tzinfo=UTC)) for hour in (10, 12, 11))
    peer("tickets", Scan=lambda _: tickets_pb2.ScanReply(checkin_times=[first, second], checkout_times=[left]))
    body = patch(attendee, "attendee", checkin_times="2026-11-24T12:00:00Z", device_name_checkin="A")
    shown = registrar.patch(f"/v1/attendees/{attendee['id']}", json=body).json()["data"]["attributes"]
    assert shown["device-name-checkin"] == "-,A"


def test_the_list_sorts_through_the_order_and_takes_an_empty_or(completed: Any, registrar: Any) -> None:
    listed = registrar.get(
        f"/v1/events/{EVENT}/attendees?include=user,ticket&filter=[%7B%22or%22:[]%7D]&page[size]=1&sort=-order.completed_at"
    )
    assert listed.status_code == 200
    assert (len(listed.json()["data"]), listed.json()["meta"]["count"]) == (1, 2)


def test_search_finds_by_name_and_address_and_takes_wildcards_for_letters(
    completed: Any, organizer: Any, buyer: Any, client: Any
) -> None:
    _, [attendee, _] = completed
    buyer.patch(
        f"/v1/attendees/{attendee['id']}",
        json=patch(attendee, "attendee", firstname="Ann", lastname="Lee", email="a_b@x.org"),
    )
    path = f"/v1/events/{EVENT}/attendees/search"
    for query, count in (("ann l", 1), ("A_B", 1), ("%", 0), ("_", 1), ("", 0), ("zzz", 0)):
        assert len(organizer.get(path, params={"query": query}).json()["attendees"]) == count, query
    assert client.as_user(3).get(path, params={"query": "ann"}).status_code == 403


def test_the_export_is_opened_without_a_token_and_quotes_formulas(
    completed: Any, organizer: Any, buyer: Any, client: Any
) -> None:
    placed, [attendee, _] = completed
    body = patch(attendee, "attendee", firstname="=cmd()", email="ann@x.org")
    buyer.patch(f"/v1/attendees/{attendee['id']}", json=body)
    for kind in ("attendees", "orders"):
        task = organizer.get(f"/v1/events/fa1r0000/export/{kind}/csv").json()["task_url"]
        state = client.get(task).json()
        assert state["state"] == "SUCCESS"
        url = state["result"]["download_url"]
        assert url.startswith("http://127.0.0.1:8080/v1/exports/")
        file = client.get(url.removeprefix("http://127.0.0.1:8080"))
        assert file.headers["content-type"] == "text/csv; charset=utf-8"
        assert placed["attributes"]["identifier"] in file.text
        if kind == "attendees":
            assert "'=cmd()" in file.text
    assert client.get(task[:-1] + ("0" if task[-1] != "0" else "1")).status_code == 404
    assert buyer.get(f"/v1/events/{EVENT}/export/attendees/csv").status_code == 403


@pytest.mark.parametrize("kind", ["attendees", "orders"])
def test_exports_list_what_was_ordered_first_first(organizer: Any, order: Any, kind: str) -> None:
    """Numbers of rows do not say it: processes draw them in blocks."""
    later, first = (order({"id": 1})["attributes"]["identifier"] for _ in range(2))
    change(first, created_at=clock.now() - timedelta(hours=1))
    task = organizer.get(f"/v1/events/{EVENT}/export/{kind}/csv").json()["task_url"]
    url = organizer.get(task).json()["result"]["download_url"]
    _, *rows = organizer.get(urlsplit(url).path).text.splitlines()
    assert [row.split(",")[0] for row in rows] == [first, later]


def test_statistics_count_tickets_orders_and_sales_by_status(
    completed: Any, order: Any, organizer: Any, buyer: Any, fair: Any
) -> None:
    order({"id": 2})
    event = organizer.get(f"/v1/events/{EVENT}/order-statistics").json()["data"]
    assert event["type"] == "order-statistics-event"
    attributes = event["attributes"]
    assert (
        attributes["tickets"]["completed"],
        attributes["tickets"]["initializing"],
        attributes["tickets"]["max"],
    ) == (2, 1, 200)
    assert (attributes["orders"]["completed"], attributes["orders"]["total"]) == (1, 2)
    assert (attributes["sales"]["completed"], attributes["sales"]["initializing"], attributes["sales"]["total"]) == (
        100,
        20.5,
        120.5,
    )
    ticket = organizer.get("/v1/tickets/1/order-statistics").json()["data"]["attributes"]
    assert (ticket["tickets"]["completed"], ticket["tickets"]["max"], ticket["sales"]["total"]) == (2, 100, 100)
    assert organizer.get("/v1/tickets/77/order-statistics").status_code == 404
    assert buyer.get("/v1/tickets/1/order-statistics").status_code == 403


def tag_body(name: str, **attributes: Any) -> dict[str, Any]:
    return {
        "data": {
            "type": "tag",
            "attributes": {"name": name, **attributes},
            "relationships": {"event": {"data": {"type": "event", "id": str(EVENT)}}},
        }
    }


def test_tags_are_unique_in_their_event_and_leave_attendees_when_deleted(
    completed: Any, registrar: Any, client: Any, buyer: Any
) -> None:
    _, [attendee, _] = completed
    made = registrar.post("/v1/tags", json=tag_body("VIP", color="#f00"))
    assert made.status_code == 201, made.text
    tag = made.json()["data"]
    assert registrar.post("/v1/tags", json=tag_body("vip")).status_code == 409
    tagged = registrar.patch(f"/v1/attendees/{attendee['id']}", json=patch(attendee, "attendee", tag_id=int(tag["id"])))
    assert tagged.json()["data"]["attributes"]["tag-id"] == int(tag["id"])
    unknown = registrar.patch(f"/v1/attendees/{attendee['id']}", json=patch(attendee, "attendee", tag_id=77))
    assert (unknown.status_code, unknown.json()["errors"][0]["code"]) == (422, "tag-unknown")
    assert registrar.patch(f"/v1/tags/{tag['id']}", json=patch(tag, "tag", name="Guest")).status_code == 200
    assert [each["attributes"]["name"] for each in registrar.get(f"/v1/events/{EVENT}/tags").json()["data"]] == [
        "Guest"
    ]
    assert registrar.get(f"/v1/tags/{tag['id']}/event").json()["data"]["id"] == str(EVENT)
    assert client.as_user(3).get(f"/v1/tags/{tag['id']}").status_code == 404
    assert client.as_user(3).get(f"/v1/tags/{tag['id']}/event").status_code == 404
    assert buyer.get(f"/v1/events/{EVENT}/tags").status_code == 403
    assert registrar.delete(f"/v1/tags/{tag['id']}").status_code == 200
    assert registrar.get(f"/v1/attendees/{attendee['id']}").json()["data"]["attributes"]["tag-id"] is None


@pytest.mark.parametrize(
    ("relation", "why"),
    [
        ("marketer", "No marketer is kept with an order."),
        ("event-invoice", "There are no invoices of the platform."),
    ],
)
def test_relations_that_lead_nowhere_say_so(order: Any, buyer: Any, client: Any, relation: str, why: str) -> None:
    path = f"/v1/orders/{order({'id': 1})['attributes']['identifier']}/{relation}"
    answer = buyer.get(path)
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (404, why)
    assert client.as_user(3).get(path).json()["errors"][0]["detail"] != why


def test_mails_are_sent_again_but_not_too_often(
    completed: Any, organizer: Any, buyer: Any, order: Any, published: Any
) -> None:
    placed, _ = completed
    identifier = placed["attributes"]["identifier"]
    body = {"data": {"order": identifier, "user": "organizer@example.com"}}
    assert organizer.post("/v1/orders/resend-email", json=body).json()["status"] is True
    assert buyer.post("/v1/orders/resend-email", json=body).status_code == 403
    assert buyer.post("/v1/attendees/send-receipt", json={"order-identifier": identifier}).status_code == 200
    said = published(orders_pb2.TicketsResendRequested)
    assert [each.order_identifier for each in said] == [identifier] * 2
    assert len({each.request_key for each in said}) == 2
    unfinished = order({"id": 1})["attributes"]["identifier"]
    refused = organizer.post("/v1/orders/resend-email", json={"data": {"order": unfinished}})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "nothing-to-send")
    assert buyer.post("/v1/attendees/send-receipt", json={"order-identifier": unfinished}).status_code == 409
    for _ in range(4):
        assert organizer.post("/v1/orders/resend-email", json=body).status_code == 200
    limited = organizer.post("/v1/orders/resend-email", json=body)
    assert limited.status_code == 429
    assert limited.headers["retry-after"] == "60"


def test_access_codes_are_counted_for_the_tickets_they_open(order: Any, buyer: Any, fair: Any) -> None:
    from proto.events import events_pb2

    fair.access_code = events_pb2.AccessCode(
        id=4, code="SECRET", version=1, is_active=True, tickets_number=2, ticket_ids=[1]
    )
    placed = order({"id": 1}, {"id": 2}, **{"access-code": "SECRET"})
    attendees = buyer.get(f"/v1/orders/{placed['attributes']['identifier']}/attendees").json()["data"]
    assert [each["attributes"]["is-access-code-applied"] for each in attendees] == [True, False]
    refused = buyer.post(
        "/v1/orders/create-order", json={"tickets": [{"id": 1, "quantity": 2}], "access_code": "SECRET"}
    )
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "access-code-exhausted")
