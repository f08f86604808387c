"""What people are told, which mails they want, and their other addresses."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from chassis.db import transaction
from proto.events import events_pb2
from services.accounts import consumers
from services.accounts.models import EmailNotification, Notification, UserEmail
from services.accounts.tests import people


def hear_event(event_id: int = 5, *, state: str = "published", version: int = 1) -> None:
    event = events_pb2.Event(
        id=event_id,
        version=version,
        identifier=f"abcd000{event_id}",
        name="Harbour Lights",
        timezone="UTC",
        state=state,
    )
    event.starts_at.FromDatetime(datetime(2026, 12, 1, tzinfo=UTC))
    with transaction() as db:
        consumers.know_event(db, events_pb2.EventChanged(event=event))


def join_team(user_id: int, *roles: str, version: int = 1, event_id: int = 5) -> None:
    role = events_pb2.EventRole(id=event_id, version=version, event_id=event_id, user_id=user_id, roles=roles)
    with transaction() as db:
        consumers.know_event_role(db, events_pb2.EventRoleChanged(event_role=role))


def test_joining_a_team_is_told_once_and_has_mail_preferences(client: Any) -> None:
    ann = people.somebody(client)
    hear_event()
    join_team(ann.id, "coorganizer")
    join_team(ann.id, "coorganizer")
    found = ann.client.get(f"{ann.path}/notifications").json()
    assert found["meta"]["count"] == 1
    attributes = found["data"][0]["attributes"]
    assert attributes["is-read"] is False
    assert attributes["content"] == {
        "type": "event-role",
        "target-type": "Event",
        "target-id": 5,
        "roles": ["coorganizer"],
    }
    preferences = ann.client.get(f"{ann.path}/email-notifications?include=event").json()
    assert preferences["data"][0]["attributes"]["after-ticket-purchase"] is True
    assert preferences["data"][0]["attributes"]["event-id"] == 5
    assert preferences["included"][0]["attributes"]["name"] == "Harbour Lights"


def test_owners_are_not_told_what_they_did(client: Any) -> None:
    ann = people.somebody(client)
    join_team(ann.id, "owner")
    assert ann.client.get(f"{ann.path}/notifications").json()["data"] == []


def test_a_notification_is_read_and_deleted_by_its_owner(client: Any, db: Any) -> None:
    ann = people.somebody(client)
    join_team(ann.id, "organizer")
    [notification] = ann.client.get(f"{ann.path}/notifications").json()["data"]
    path = f"/v1/notifications/{notification['id']}"
    body = {"data": {"type": "notification", "id": notification["id"], "attributes": {"is-read": True, "content": {}}}}
    changed = ann.client.patch(path, json=body).json()["data"]["attributes"]
    assert changed["is-read"] is True
    assert changed["content"]["type"] == "event-role"
    assert ann.client.get(f"{path}/user").json()["data"]["id"] == str(ann.id)
    assert ann.client.get(f"{path}/relationships/user").json()["data"] == {"type": "user", "id": str(ann.id)}
    assert ann.client.delete(path).status_code == 200
    assert db.scalar(sa.select(sa.func.count()).select_from(Notification)) == 0


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_notifications_of_others_do_not_exist(client: Any, db: Any, method: str) -> None:
    ann, bob = people.somebody(client), people.somebody(client, "bob@example.com")
    join_team(ann.id, "organizer")
    body = {"data": {"type": "notification", "id": "1", "attributes": {"is-read": True}}}
    rest = {"json": body} if method == "patch" else {}
    assert getattr(bob.client, method)("/v1/notifications/1", **rest).status_code == 404
    assert bob.client.get(f"{ann.path}/notifications").status_code == 404
    assert client.get("/v1/notifications/1").status_code == 401
    assert db.scalar(sa.select(Notification.is_read)) is False


def test_only_admins_list_everything(client: Any) -> None:
    ann, root = people.somebody(client), people.admin(client)
    join_team(ann.id, "organizer")
    for path in ("/v1/notifications", "/v1/email-notifications", "/v1/admin/user-emails"):
        assert ann.client.get(path).status_code == 403
        assert root.client.get(path).status_code == 200
    assert root.client.get("/v1/notifications?include=user&sort=-created-at").json()["included"][0]["id"] == str(ann.id)
    [newest] = root.client.get("/v1/notifications?include=user&sort=-received-at&page[size]=1").json()["data"]
    assert newest["attributes"]["received-at"] == newest["attributes"]["created-at"]


def test_mail_preferences_are_changed_by_their_owner(client: Any, db: Any) -> None:
    ann, bob = people.somebody(client), people.somebody(client, "bob@example.com")
    hear_event()
    relation = {"event": {"data": {"type": "event", "id": "5"}}}
    body = {"data": {"type": "email-notification", "attributes": {"next-event": True}, "relationships": relation}}
    made = ann.client.post("/v1/email-notifications", json=body)
    assert made.status_code == 201
    again = ann.client.post("/v1/email-notifications", json=body)
    assert again.status_code == 409
    path = f"/v1/email-notifications/{made.json()['data']['id']}"
    change = {
        "data": {
            "type": "email-notification",
            "id": made.json()["data"]["id"],
            "attributes": {"after-ticket-purchase": False},
            "relationships": {"user": {"data": {"type": "user", "id": str(bob.id)}}},
        }
    }
    assert bob.client.patch(path, json=change).status_code == 404
    assert ann.client.patch(path, json=change).status_code == 200
    row = db.scalar(sa.select(EmailNotification))
    assert (row.user_id, row.next_event, row.after_ticket_purchase) == (ann.id, True, False)
    assert ann.client.get(f"{path}/event").json()["data"]["attributes"]["identifier"] == "abcd0005"


def test_mail_preferences_need_an_event_that_the_caller_may_see(client: Any) -> None:
    ann = people.somebody(client)
    hear_event(state="draft")
    relation = {"event": {"data": {"type": "event", "id": "5"}}}
    for relations in ({}, relation, {"event": {"data": {"type": "event", "id": "77"}}}):
        body = {"data": {"type": "email-notification", "attributes": {}, "relationships": relations}}
        assert ann.client.post("/v1/email-notifications", json=body).status_code == 422


def email_body(address: str = "ann@work.example", **relations: Any) -> dict[str, Any]:
    attributes = {"email-address": address, "type": "work"}
    return {"data": {"type": "user-email", "attributes": attributes, "relationships": relations}}


def test_people_keep_other_addresses(client: Any, db: Any) -> None:
    ann, bob = people.somebody(client), people.somebody(client, "bob@example.com")
    made = ann.client.post("/v1/user-emails", json=email_body(user={"data": {"type": "user", "id": str(bob.id)}}))
    assert made.status_code == 201
    assert made.json()["data"]["attributes"]["user-id"] == ann.id  # nobody adds addresses to others
    assert ann.client.post("/v1/user-emails", json=email_body("ANN@work.example")).status_code == 409
    path = f"/v1/user-emails/{made.json()['data']['id']}"
    assert bob.client.get(path).status_code == 404
    assert bob.client.delete(path).status_code == 404
    listed = ann.client.get(f"{ann.path}/alternate-emails").json()
    assert [email["attributes"]["email-address"] for email in listed["data"]] == ["ann@work.example"]
    change = {"data": {"type": "user-email", "id": made.json()["data"]["id"], "attributes": {"type": "home"}}}
    assert ann.client.patch(path, json=change).json()["data"]["attributes"]["type"] == "home"
    assert ann.client.get(f"{path}/user").json()["data"]["id"] == str(ann.id)
    assert ann.client.delete(path).status_code == 200
    assert db.scalar(sa.select(UserEmail.deleted_at)) is not None
    assert ann.client.post("/v1/user-emails", json=email_body()).status_code == 201


@pytest.mark.parametrize(
    "attributes",
    [
        {"email-address": "nobody", "type": "work"},
        {"email-address": "a@example.org", "type": "x"},
        {"type": "work"},
        {},
    ],
)
def test_bad_addresses_are_refused(client: Any, db: Any, attributes: dict[str, Any]) -> None:
    ann = people.somebody(client)
    body = {"data": {"type": "user-email", "attributes": attributes}}
    assert ann.client.post("/v1/user-emails", json=body).status_code == 422
    assert db.scalar(sa.select(sa.func.count()).select_from(UserEmail)) == 0


def test_the_admin_page_lists_users_with_their_events(client: Any) -> None:
    ann, root = people.somebody(client), people.admin(client)
    hear_event()
    hear_event(6, state="draft")
    join_team(ann.id, "owner")
    join_team(ann.id, "registrar", event_id=6)
    answer = root.client.get('/v1/users?include=events&filter=[{"or":[]}]&get_trashed=true&sort=-created-at')
    assert answer.status_code == 200
    [listed] = [user for user in answer.json()["data"] if user["id"] == str(ann.id)]
    assert [each["id"] for each in listed["relationships"]["events"]["data"]] == ["5", "6"]
    assert {event["attributes"]["name"] for event in answer.json()["included"]} == {"Harbour Lights"}
    join_team(ann.id, event_id=6, version=2)
    mine = ann.client.get(f"{ann.path}?include=events").json()
    assert [each["id"] for each in mine["data"]["relationships"]["events"]["data"]] == ["5"]


def test_statistics_count_living_people(client: Any) -> None:
    ann, root = people.somebody(client, is_verified=True), people.super_admin(client)
    people.sign_up(client, "bob@example.com")
    join_team(ann.id, "owner")
    answer = root.client.get("/v1/admin/statistics/users")
    counts = answer.json()["data"]["attributes"]
    assert counts["verified"] == 2
    assert counts["unverified"] == 1
    assert (counts["super-admin"], counts["admin"], counts["owner"], counts["attendee"]) == (1, 1, 1, 0)
    assert ann.client.get("/v1/admin/statistics/users").status_code == 403
