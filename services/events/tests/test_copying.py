"""A copy has everything that would have to be typed again, and nothing that others did."""

from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from proto.events.events_pb2 import DiscountCodeChanged, EventChanged, EventRoleChanged, TicketChanged
from services.events import copying
from services.events.models import Event, Medium, Ticket
from services.events.tests.conftest import OWNER, Making, Published, code_of, made

PARTS = (
    ("tracks", "track", {"name": "Main", "color": "#336699"}),
    ("session-types", "session-type", {"name": "Talk", "length": "00:30"}),
    ("microlocations", "microlocation", {"name": "Hall"}),
    ("sponsors", "sponsor", {"name": "Bakery"}),
    ("social-links", "social-link", {"name": "Page", "link": "https://example.com/x"}),
    ("faq-types", "faq-type", {"name": "General"}),
    ("faqs", "faq", {"question": "Where?", "answer": "Here."}),
    ("ticket-tags", "ticket-tag", {"name": "early"}),
)
ONES = (
    ("speakers-calls", "speakers-call", {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-02-01T00:00:00Z"}),
    ("event-copyrights", "event-copyright", {"licence": "CC BY"}),
    ("taxes", "tax", {"name": "VAT", "rate": 19}),
)
ONE_PATHS = {"speakers-calls": "speakers-call", "event-copyrights": "event-copyright", "taxes": "tax"}


def copy_of(making: Making, event: dict[str, Any]) -> dict[str, Any]:
    """A copy, through the API."""
    answer = making.owner.post(f"/v1/events/{event['attributes']['identifier']}/copy", json={})
    assert answer.status_code == 200, answer.text
    assert answer.json()["copied"] is True
    copied: dict[str, Any] = answer.json()
    return copied


def test_a_copy_is_complete(making: Making, published: Published) -> None:
    event = making.event(description="A night")
    ticket = making.ticket(event)
    making.ticket(event, name="Box", is_hidden=True)
    making.discount(event, ticket["id"], tickets_number=5)
    for path, kind, attributes in (*PARTS, *ONES):
        made(making.child(path, kind, event, **attributes))
    made(making.child("custom-forms", "custom-form", event, form="attendee", field_identifier="company"))
    before = {type_: len(published(type_)) for type_ in (EventChanged, TicketChanged, DiscountCodeChanged)}
    copy = copy_of(making, event)
    assert copy["identifier"] != event["attributes"]["identifier"]
    own = making.owner.get(f"/v1/events/{copy['id']}").json()["data"]["attributes"]
    assert (own["state"], own["description"], own["is-stripe-linked"]) == ("draft", "A night", False)
    for path, *_ in PARTS:
        assert making.owner.get(f"/v1/events/{copy['id']}/{path}").json()["meta"]["count"] == 1, path
    for path, *_ in ONES:
        assert making.owner.get(f"/v1/events/{copy['id']}/{ONE_PATHS[path]}").status_code == 200, path
    assert making.owner.get(f"/v1/events/{copy['id']}/custom-forms").json()["meta"]["count"] == 4
    tickets = making.owner.get(f"/v1/events/{copy['id']}/tickets?sort=id").json()["data"]
    assert [each["attributes"]["name"] for each in tickets] == ["Stalls", "Box"]
    [code] = making.owner.get(f"/v1/events/{copy['id']}/discount-codes?include=tickets").json()["included"]
    assert code["id"] == tickets[0]["id"] != ticket["id"]
    roles = [each.event_role for each in published(EventRoleChanged)]
    assert (roles[-1].event_id, roles[-1].user_id, list(roles[-1].roles)) == (int(copy["id"]), OWNER, ["owner"])
    assert [len(published(type_)) - count for type_, count in before.items()] == [1, 2, 1]


def test_a_copy_takes_nothing_that_others_did(making: Making) -> None:
    event = making.event()
    hidden = making.ticket(event, is_hidden=True)
    making.access(event, hidden["id"])
    given = {"code": "FEE", "type": "percent", "value": 50, "used_for": "event"}
    made(making.child("discount-codes", "discount-code", event, by=making.admin, **given))
    made(making.child("sessions", "session", event, title="Talk"))
    made(making.child("speakers", "speaker", event, name="Ada"))
    copy = copy_of(making, event)
    for path in ("access-codes", "discount-codes", "sessions", "speakers", "role-invites"):
        assert making.admin.get(f"/v1/events/{copy['id']}/{path}").json()["data"] == [], path


def test_the_private_call_of_a_copy_has_a_hash_of_its_own(making: Making) -> None:
    event = making.event()
    given = {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-02-01T00:00:00Z", "privacy": "private"}
    first = made(making.child("speakers-calls", "speakers-call", event, **given))["attributes"]["hash"]
    copy = copy_of(making, event)
    second = making.owner.get(f"/v1/events/{copy['id']}/speakers-call").json()["data"]["attributes"]["hash"]
    assert len(first) == len(second) == 32
    assert first != second


def test_a_copy_has_sold_nothing(making: Making, db: Session) -> None:
    event = making.event()
    sold = {"completed_order_sales": 12000, "completed_order_tickets": 3}
    db.execute(update(Event).values(**sold, placed_order_sales=4000, placed_order_tickets=1))
    db.commit()
    copy = copy_of(making, event)
    names = ("completed-order-sales", "completed-order-tickets", "placed-order-sales", "placed-order-tickets")
    shown = [making.owner.get(f"/v1/events/{each}").json()["data"]["attributes"] for each in (event["id"], copy["id"])]
    assert [[each[name] for name in names] for each in shown] == [[120, 3, 40, 1], [0, 0, 0, 0]]


def test_only_those_who_run_an_event_copy_it(making: Making, db: Session) -> None:
    event = making.event()
    path = f"/v1/events/{event['id']}/copy"
    assert code_of(making.stranger.post(path, json={})) == (403, "event-role-required")
    assert making.anyone.post(path, json={}).status_code == 401
    assert making.stranger.post(f"/v1/events/{making.event(state='draft')['id']}/copy", json={}).status_code == 404
    assert db.scalar(select(func.count()).select_from(Event)) == 2


def test_half_a_copy_is_none(
    making: Making, db: Session, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = making.event()
    making.ticket(event)
    before = len(published())

    def fail(*_: object) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(copying, "_copy_forms", fail)
    assert making.owner.post(f"/v1/events/{event['id']}/copy", json={}).status_code == 500
    assert db.scalar(select(func.count()).select_from(Event)) == 1
    assert db.scalar(select(func.count()).select_from(Ticket)) == 1
    assert len(published()) == before


def test_half_a_copy_leaves_no_picture(making: Making, db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    address = making.owner.post("/v1/upload/image", json={"data": PNG}).json()["url"]
    event = making.event(original_image_url=address)
    made(making.child("sponsors", "sponsor", event, name="Bakery", logo_url=address))

    def fail(*_: object) -> None:
        raise RuntimeError("after the pictures")

    monkeypatch.setattr(copying, "_copy_forms", fail)
    assert making.owner.post(f"/v1/events/{event['id']}/copy", json={}).status_code == 500
    assert db.scalar(select(func.count()).select_from(Medium)) == 1


def test_the_same_request_copies_once(making: Making, db: Session) -> None:
    event = making.event()
    answers = [
        making.owner.post(f"/v1/events/{event['id']}/copy", json={}, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert db.scalar(select(func.count()).select_from(Event)) == 2


PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_a_copy_has_pictures_of_its_own(making: Making, db: Session) -> None:
    address = making.owner.post("/v1/upload/image", json={"data": PNG}).json()["url"]
    event = making.event(original_image_url=address, logo_url="https://example.com/logo.png")
    made(making.child("sponsors", "sponsor", event, name="Bakery", logo_url=address))
    copy = copy_of(making, event)
    own = making.owner.get(f"/v1/events/{copy['id']}").json()["data"]["attributes"]
    [sponsor] = making.owner.get(f"/v1/events/{copy['id']}/sponsors").json()["data"]
    addresses = {address, own["original-image-url"], sponsor["attributes"]["logo-url"]}
    assert len(addresses) == 3
    assert own["logo-url"] == "https://example.com/logo.png"
    pictures = {making.anyone.get(each.partition("8080")[2]).content for each in addresses}
    assert len(pictures) == 1
    assert db.scalar(select(func.count()).select_from(Medium)) == 3


def test_pictures_are_pictures(making: Making) -> None:
    address = making.owner.post("/v1/upload/image", json={"data": PNG}).json()["url"]
    answer = making.anyone.get(address.partition("8080")[2])
    assert (answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == ("image/png", "nosniff")
    again = making.anyone.get(address.partition("8080")[2], headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    for data in (
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:image/png;base64,PGh0bWw+",
        "hello",
        "data:image/png;base64,?",
    ):
        assert code_of(making.owner.post("/v1/upload/image", json={"data": data})) == (422, "picture-invalid")
    assert making.anyone.post("/v1/upload/image", json={"data": PNG}).status_code == 401
    assert making.anyone.get("/v1/media/guess.png").status_code == 404
