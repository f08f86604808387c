"""Events through HTTP: drafts, publication, deletion, and who may what."""

import json
import secrets
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from chassis.responses import JSON_API
from chassis.testing import Client
from proto.events.events_pb2 import EventChanged, EventRoleChanged, TicketChanged
from services.events.domain import identifiers
from services.events.models import Event, EventSession, EventSubTopic, EventTopic, EventType, Group
from services.events.tests.conftest import (
    NOW,
    OWNER,
    START,
    STRANGER,
    Making,
    Orders,
    Published,
    code_of,
    made,
    patch,
    text,
    to,
)


def test_whoever_creates_an_event_owns_it_and_gets_a_form_for_attendees(making: Making, published: Published) -> None:
    event = making.event()
    roles = making.owner.get(f"/v1/events/{event['id']}/users-events-roles?include=role").json()
    assert [each["attributes"]["name"] for each in roles["included"]] == ["owner"]
    forms = making.anyone.get(f"/v1/events/{event['id']}/custom-forms?sort=id").json()["data"]
    assert [form["attributes"]["field-identifier"] for form in forms] == ["firstname", "lastname", "email"]
    assert all(form["attributes"]["is-required"] for form in forms)
    assert event["relationships"]["owner"]["data"] == {"type": "user", "id": str(OWNER)}
    assert [said.event.owner_id for said in published(EventChanged)] == [OWNER]
    role = published(EventRoleChanged)[0].event_role
    assert (role.event_id, role.user_id, list(role.roles)) == (int(event["id"]), OWNER, ["owner"])


def test_an_event_is_found_by_number_and_by_an_identifier_with_a_letter(making: Making) -> None:
    event = making.event()
    identifier = event["attributes"]["identifier"]
    assert len(identifier) == 8
    assert not identifier.isdigit()
    for key in (event["id"], identifier):
        assert making.anyone.get(f"/v1/events/{key}").json()["data"]["id"] == event["id"]
    assert making.anyone.get("/v1/events/new").status_code == 404


def test_eight_digits_are_no_identifier_of_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["12345678", "00000000", "1234567a"])
    monkeypatch.setattr(secrets, "token_hex", lambda _size: next(drawn))
    assert identifiers.new_event_identifier() == "1234567a"


def test_a_draft_is_seen_by_its_team_and_by_admins_only(making: Making) -> None:
    draft = making.event(state="draft")
    path = f"/v1/events/{draft['attributes']['identifier']}"
    assert [who.get(path).status_code for who in (making.anyone, making.stranger)] == [404, 404]
    assert [who.get(path).status_code for who in (making.owner, making.admin)] == [200, 200]
    assert making.anyone.get(f"{path}/tickets").status_code == 404
    assert making.anyone.get("/v1/events").json()["meta"]["count"] == 0
    assert making.owner.get("/v1/events").json()["meta"]["count"] == 1


def test_a_private_event_is_found_by_its_link_but_in_no_list(making: Making) -> None:
    event = making.event(privacy="private")
    assert making.anyone.get(f"/v1/events/{event['attributes']['identifier']}").status_code == 200
    assert making.anyone.get("/v1/events").json()["data"] == []
    assert making.anyone.get("/v1/events/upcoming").json()["data"] == []


@pytest.fixture
def whispered(making: Making, db: Session) -> None:
    """A private event with a talk and a track, of a type, a topic, a sub topic and a group that are 1, beside a public event."""
    for event in (making.event(name="Secret", privacy="private"), making.event(name="Open")):
        accepted = {"title": f"Talk of {event['attributes']['name']}", "state": "accepted"}
        made(making.child("sessions", "session", event, **accepted))
        made(making.child("tracks", "track", event, name=f"Track of {event['attributes']['name']}", color="#336699"))
    db.add_all([EventType(id=1, name="Film", slug="film"), EventTopic(id=1, name="Arts", slug="arts")])
    db.add(EventSubTopic(id=1, name="Drama", slug="drama", event_topic_id=1))
    db.add(Group(id=1, name="Choir", user_id=STRANGER))
    db.flush()
    db.execute(update(Event).values(event_type_id=1, event_topic_id=1, event_sub_topic_id=1, group_id=1))
    db.commit()


@pytest.mark.usefixtures("whispered")
@pytest.mark.parametrize(
    "path",
    [
        "/v1/event-types/1/events",
        "/v1/event-topics/1/events",
        "/v1/event-sub-topics/1/events",
        "/v1/groups/1/events",
        "/v1/event-topics?include=event-sub-topics.events",
        "/v1/event-types/1?include=events",
        "/v1/groups?include=events",
        "/v1/groups/1?include=events",
        "/v1/events?include=group.events,event-type.events",
        "/v1/sessions?include=event",
        "/v1/tracks?include=event",
    ],
)
def test_a_private_event_is_in_no_list_of_those_who_may_not_know_it(making: Making, path: str) -> None:
    """Its team and server admins find it everywhere; others, also the owner of its group, by its link only."""
    for who in (making.anyone, making.stranger):
        answer = who.get(path)
        assert (answer.status_code, "Open" in answer.text, "Secret" in answer.text) == (200, True, False)
    knows_callers = not path.startswith(("/v1/event-types/1?", "/v1/event-topics?"))
    for who in (making.owner, making.admin):
        assert ("Secret" in who.get(path).text) is knows_callers


@pytest.mark.usefixtures("whispered")
def test_a_filter_does_not_ask_for_a_private_event(making: Making) -> None:
    named = {"name": "events", "op": "any", "val": {"name": "name", "op": "eq", "val": "Secret"}}
    path = f"/v1/groups?filter={json.dumps([named])}"
    counts = [who.get(path).json()["meta"]["count"] for who in (making.anyone, making.stranger, making.owner)]
    assert counts == [0, 0, 1]


def test_who_speaks_in_a_private_event_finds_the_own_talk(making: Making, db: Session) -> None:
    event = making.event(privacy="private")
    talk = made(making.child("sessions", "session", event, title="Talk", state="accepted"))
    db.execute(update(EventSession).values(creator_id=STRANGER))
    db.commit()
    listed = making.stranger.get("/v1/sessions").json()["data"]
    assert [each["id"] for each in listed] == [talk["id"]]
    assert making.anyone.get(f"/v1/events/{event['id']}/sessions").json()["meta"]["count"] == 1


def nested(depth: int) -> Any:
    """JSON that is so deep: {"a": {"a": … 1}}."""
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize("state", ["draft", "published"])
@pytest.mark.parametrize(("starts", "ends"), [("9999-12-30", "9999-12-31"), ("0001-01-02", "0001-01-03")])
def test_an_event_takes_place_in_a_year_that_calendars_know(making: Making, state: str, starts: str, ends: str) -> None:
    """Shown in its zone, or with the zone's clock changes around it, such a time is beyond the last year, or the first."""
    times = {"starts-at": f"{starts}T12:00:00Z", "ends-at": f"{ends}T12:00:00Z"}
    given = {"name": "Far", "timezone": "Europe/Berlin", "state": state, **times}
    refused = making.owner.post("/v1/events", json={"data": {"type": "event", "attributes": given}})
    assert code_of(refused) == (422, "dates-invalid")
    event = making.event(state=state)
    answer = patch(making.owner, f"/v1/events/{event['id']}", "event", event["id"], **times)
    assert code_of(answer) == (422, "dates-invalid")


@pytest.mark.parametrize("value", [nested(21), nested(250), nested(900), [1e20], {"a": -1e300}])
def test_json_that_no_list_could_show_is_refused(making: Making, value: Any) -> None:
    """An answer is written 254 levels deep at most, and with integers of 64 bits: one event would take all lists down."""
    event = making.event(document_links=[{"name": "Map"}])
    answer = patch(making.owner, f"/v1/events/{event['id']}", "event", event["id"], document_links=value)
    assert code_of(answer) == (422, "value-invalid")
    listed = making.anyone.get("/v1/events")
    assert listed.status_code == 200
    assert listed.json()["data"][0]["attributes"]["document-links"] == [{"name": "Map"}]


def test_a_body_deeper_than_json_is_read_is_no_mistake_of_ours(making: Making) -> None:
    event = making.event()
    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    body = b'{"data":{"type":"event","id":"1","attributes":{"document-links":' + deep + b"}}}"
    answer = making.owner.request(
        "PATCH", f"/v1/events/{event['id']}", content=body, headers={"Content-Type": JSON_API}
    )
    assert code_of(answer) == (400, "malformed-json")


@pytest.mark.parametrize(
    "path", ["/v1/media/%00", "/v1/events/%00", "/v1/events/%00?cache=true", "/v1/events/%00/sessions"]
)
def test_a_nul_in_a_path_is_no_mistake_of_ours(making: Making, path: str) -> None:
    assert making.anyone.get(path).status_code in (400, 404)


def test_a_nul_in_a_path_with_an_idempotency_key_is_no_mistake_of_ours(making: Making) -> None:
    assert making.owner.delete("/v1/events/%00", headers={"Idempotency-Key": "k"}).status_code in (400, 404)


def test_only_those_who_run_an_event_see_its_figures_and_inner_relations(making: Making) -> None:
    event = making.event()
    path = f"/v1/events/{event['id']}"
    seen, own = (who.get(path).json()["data"] for who in (making.stranger, making.owner))
    assert "completed-order-sales" not in seen["attributes"]
    assert not {"orders", "access-codes", "role-invites"} & set(seen["relationships"])
    assert own["attributes"]["completed-order-sales"] == 0
    assert own["relationships"]["orders"]["links"]["related"] == f"/v1/events/{event['id']}/orders"


def test_nobody_creates_an_event_without_a_confirmed_address(
    making: Making, client: Client, published: Published
) -> None:
    document = {
        "type": "event",
        "attributes": {
            "name": "X",
            "starts-at": text(START),
            "ends-at": text(START + timedelta(hours=1)),
            "timezone": "UTC",
        },
    }
    assert client.post("/v1/events", json={"data": document}).status_code == 401
    unverified = client.as_user(5, is_verified=False)
    assert code_of(unverified.post("/v1/events", json={"data": document})) == (403, "unverified-user")
    assert published() == []


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": "  "}, 409, "event-name-missing"),
        ({"ends_at": text(START)}, 422, "dates-invalid"),
        ({"ends_at": text(START + timedelta(days=21))}, 422, "dates-invalid"),
        ({"timezone": "Mars/Base"}, 422, "timezone-invalid"),
    ],
)
def test_what_cannot_be_published_stays_a_draft(making: Making, change: Any, status: Any, code: Any) -> None:
    draft = making.event(state="draft")
    answer = patch(making.owner, f"/v1/events/{draft['id']}", "event", draft["id"], state="published", **change)
    assert code_of(answer) == (status, code)
    assert making.owner.get(f"/v1/events/{draft['id']}").json()["data"]["attributes"]["state"] == "draft"


def test_publishing_puts_every_ticket_on_sale_with_a_newer_version(making: Making, published: Published) -> None:
    draft = making.event(state="draft")
    ticket = making.ticket(draft)
    patch(making.owner, f"/v1/events/{draft['id']}", "event", draft["id"], state="published")
    said = [each.ticket for each in published(TicketChanged)]
    assert [each.on_sale for each in said] == [False, True]
    assert said[1].version > said[0].version
    assert said[1].id == int(ticket["id"])


def test_a_stranger_changes_nothing(making: Making, published: Published) -> None:
    event = making.event()
    before = len(published())
    answer = patch(making.stranger, f"/v1/events/{event['id']}", "event", event["id"], name="Mine")
    assert code_of(answer) == (403, "event-role-required")
    assert making.stranger.delete(f"/v1/events/{event['id']}").status_code == 403
    assert making.anyone.get(f"/v1/events/{event['id']}").json()["data"]["attributes"]["name"] == "Opening night"
    assert len(published()) == before


def test_clients_send_everything_and_what_they_may_not_set_is_ignored(making: Making) -> None:
    event = making.event()
    path = f"/v1/events/{event['id']}"
    document = {
        "type": "event",
        "id": event["id"],
        "attributes": {
            **event["attributes"],
            "name": "Premiere",
            "is-featured": True,
            "is-stripe-linked": True,
            "identifier": "deadbeef",
        },
        "relationships": {"owner": to("user", str(STRANGER)), "organizers": {"data": []}},
    }
    answer = making.owner.patch(path, json={"data": document})
    assert answer.status_code == 200, answer.text
    attributes = answer.json()["data"]["attributes"]
    assert attributes["name"] == "Premiere"
    assert not attributes["is-featured"]
    assert not attributes["is-stripe-linked"]
    assert attributes["identifier"] == event["attributes"]["identifier"]
    assert answer.json()["data"]["relationships"]["owner"]["data"]["id"] == str(OWNER)
    assert patch(making.admin, path, "event", event["id"], is_featured=True).json()["data"]["attributes"]["is-featured"]


def test_an_event_with_orders_is_deleted_by_super_admins_only(making: Making, orders: Orders) -> None:
    event = making.event()
    ticket = making.ticket(event)
    path = f"/v1/events/{event['id']}"
    orders.orders, orders.sold[int(ticket["id"])] = 1, 1
    for who in (making.owner, making.admin):
        assert code_of(who.delete(path)) == (403, "event-has-orders")
    assert making.anyone.get(path).status_code == 200
    assert making.super_admin.delete(path).status_code == 200
    assert making.anyone.get(path).status_code == 404
    assert [limit.on_sale for limit in orders.restricted[-1].tickets] == [False]


def test_a_deleted_event_is_restored_by_an_admin(making: Making, orders: Orders, published: Published) -> None:
    event = making.event()
    making.ticket(event)
    path = f"/v1/events/{event['id']}"
    assert making.owner.delete(path).status_code == 200
    assert published(TicketChanged)[-1].ticket.on_sale is False
    document = {"type": "event", "id": event["id"], "attributes": {"deleted-at": None}}
    assert making.owner.patch(f"{path}?get_trashed=true", json={"data": document}).status_code == 404
    assert making.admin.patch(f"{path}?get_trashed=true", json={"data": document}).status_code == 200
    assert making.anyone.get(path).status_code == 200
    assert published(TicketChanged)[-1].ticket.on_sale is True


def test_the_currency_is_frozen_by_the_first_order(making: Making, orders: Orders) -> None:
    event = making.event()
    path = f"/v1/events/{event['id']}"
    making.ticket(event, price=50)
    assert patch(making.owner, path, "event", event["id"], payment_currency="JPY").status_code == 200
    shown = making.anyone.get(f"{path}/tickets").json()["data"][0]["attributes"]
    assert shown["price"] == 50
    orders.orders = 1
    answer = patch(making.owner, path, "event", event["id"], payment_currency="EUR")
    assert code_of(answer) == (409, "currency-frozen")
    assert making.anyone.get(path).json()["data"]["attributes"]["payment-currency"] == "JPY"


def test_the_lists_of_a_user_are_for_the_user(making: Making) -> None:
    making.event()
    for name in ("events", "owner-events"):
        assert making.owner.get(f"/v1/users/{OWNER}/{name}").json()["meta"]["count"] == 1
        assert making.stranger.get(f"/v1/users/{OWNER}/{name}").status_code == 403
    for name in ("organizer-events", "user-favourite-events", "event-invoices"):
        assert making.owner.get(f"/v1/users/{OWNER}/{name}").json()["data"] == []
        assert making.stranger.get(f"/v1/users/{OWNER}/{name}").status_code == 403


def is_(name: str, value: object) -> dict[str, object]:
    """A condition as existing clients write it."""
    return {"name": name, "op": "eq", "val": value}


def test_the_calls_of_existing_clients_are_answered(making: Making) -> None:
    event = making.event()
    key = event["attributes"]["identifier"]
    public = (
        "social-links,event-copyright,speakers-call,tax,owner,organizers,video-stream,custom-forms"
        ",group,group.followers,group.followers.user"
    )
    dashboard = (
        "event-topic,event-sub-topic,event-type,event-copyright,tax,owner,organizers,coorganizers,track-organizers"
        ",registrars,moderators,stripe-authorization"
    )
    home = [
        {"and": [is_("state", "published"), is_("privacy", "public"), is_("is-featured", True)]},
        {"or": [{"name": "ends-at", "op": "ge", "val": "2020-01-01T00:00:00.000Z"}]},
    ]
    calls = [
        {
            "and": [
                {
                    "name": "speakers-call",
                    "op": "has",
                    "val": {"and": [is_("privacy", "public"), {"name": "announcement", "op": "ne", "val": None}]},
                },
                {"name": "event-topic", "op": "ne", "val": None},
                {"name": "logo-url", "op": "ne", "val": None},
            ]
        }
    ]
    accepted = {"and": [is_("deleted-at", None), {"or": [is_("state", "accepted"), is_("state", "confirmed")]}]}
    featured = [is_("is-featured", "true"), {"name": "sessions", "op": "any", "val": accepted}]
    for path in (
        f"/v1/events/{key}?include={public}",
        "/v1/events/upcoming?include=event-topic,event-sub-topic,event-type,speakers-call&page[size]=12&upcoming=true&cache=true&public=true",
        f"/v1/events?filter={json.dumps(home)}&sort=starts-at&page[size]=6",
        f"/v1/events?filter={json.dumps(calls)}",
        f"/v1/events/{key}/speakers?filter={json.dumps(featured)}&sort=order&include=sessions.track&page[size]=0",
        f"/v1/events/{key}/sessions?include=track,speakers,session-type,favourite,microlocation.video-stream&sort=starts-at,id",
        f"/v1/events/{key}/sessions/dates",
        f"/v1/events/{key}/sessions/languages",
        f"/v1/events/{key}/has-streams",
        f"/v1/events/{key}/exhibitors?page[size]=1",
        "/v1/sessions/states",
        "/v1/settings?cache=true&public=true",
        "/v1/pages?cache=true&public=true",
        "/v1/event-types?sort=name",
        "/v1/event-topics?include=event-sub-topics&sort=name",
        "/v1/roles",
        '/v1/groups?filter=[{"name":"is-promoted","op":"eq","val":true}]&include=user,follower&page[size]=12',
    ):
        assert making.anyone.get(path).status_code == 200, making.anyone.get(path).text
    for path in (
        f"/v1/events/{key}?include={dashboard}",
        f"/v1/events/{key}/role-invites?include=role",
        f"/v1/events/{key}/roles?include=user,role",
        f"/v1/events/{key}/general-statistics",
        f"/v1/users/{OWNER}/events?include=general-statistics,roles.role,roles.user,tickets&page[size]=10&sort=starts-at",
    ):
        assert making.owner.get(path).status_code == 200, making.owner.get(path).text


def test_upcoming_events_come_soonest_first(making: Making) -> None:
    making.event(name="Later", starts_at=text(NOW + timedelta(days=9)), ends_at=text(NOW + timedelta(days=10)))
    making.event(name="Sooner", starts_at=text(NOW + timedelta(days=2)), ends_at=text(NOW + timedelta(days=3)))
    making.event(name="Over", starts_at=text(NOW - timedelta(days=3)), ends_at=text(NOW - timedelta(days=2)))
    shown = making.anyone.get("/v1/events/upcoming").json()["data"]
    assert [event["attributes"]["name"] for event in shown] == ["Sooner", "Later"]


def test_types_and_topics_are_written_by_admins(making: Making) -> None:
    document = {"type": "event-type", "attributes": {"name": "Film & Media"}}
    assert making.owner.post("/v1/event-types", json={"data": document}).status_code == 403
    kind = made(making.admin.post("/v1/event-types", json={"data": document}))
    assert kind["attributes"]["slug"] == "film-media"
    assert code_of(making.admin.post("/v1/event-types", json={"data": document})) == (409, "name-taken")


def test_the_quick_document_is_the_ordinary_one_for_everybody_and_never_old(making: Making, orders: Orders) -> None:
    event = making.event()
    path = f"/v1/events/{event['attributes']['identifier']}"
    for _ in range(2):
        for who in (making.anyone, making.stranger, making.owner, making.admin):
            quick, ordinary = who.get(path), who.get(f"{path}?cache=true")
            assert quick.json() == ordinary.json()
            assert who.get(path, headers={"If-None-Match": quick.headers["ETag"]}).status_code == 304
    assert patch(making.owner, path, "event", event["id"], name="Premiere").status_code == 200
    assert making.anyone.get(path).json()["data"]["attributes"]["name"] == "Premiere"
    assert patch(making.owner, path, "event", event["id"], state="draft").status_code == 200
    assert making.anyone.get(path).status_code == 404
    assert making.owner.get(path).status_code == 200
    assert making.anyone.get(path, headers={"Accept": "text/html"}).status_code == 406


def test_every_link_of_an_event_and_its_parts_leads_somewhere(making: Making, orders: Orders) -> None:
    """Existing clients follow `links.related` for everything that they load late."""
    event = making.event()
    parts = [making.owner.get(f"/v1/events/{event['id']}").json()["data"]]
    for path, kind, attributes in (
        ("tracks", "track", {"name": "Main", "color": "#336699"}),
        ("sessions", "session", {"title": "Talk", "state": "accepted"}),
        ("speakers", "speaker", {"name": "Ada"}),
        ("microlocations", "microlocation", {"name": "Hall"}),
        ("faqs", "faq", {"question": "Where?", "answer": "Here."}),
    ):
        parts.append(made(making.child(path, kind, event, **attributes)))
    elsewhere = {"order-statistics", "orders", "attendees", "tags", "stripe-authorization"}
    for part in parts:
        for name, relation in part["relationships"].items():
            if name in elsewhere:
                continue
            link = relation["links"]["related"]
            answer = making.owner.get(link)
            is_empty = answer.status_code == 404 and answer.json()["errors"][0]["code"] == "not-found"
            assert answer.status_code == 200 or is_empty, (link, answer.text)
            assert "there is no such" in answer.text.lower() or answer.status_code == 200, link
