"""Users: seen by themselves and admins, changed by rank."""

from typing import Any

import pytest

from chassis.db import transaction
from proto.accounts import accounts_pb2 as pb
from proto.events import events_pb2
from services.accounts import consumers, limits
from services.accounts.models import User
from services.accounts.tests import people
from services.accounts.tests.people import changes

pytestmark = pytest.mark.usefixtures("orders")  # deleting asks it


def row(db: Any, user_id: int) -> User:
    db.rollback()
    found: User = db.get(User, user_id, populate_existing=True)
    return found


def stale(client: Any, person: people.Person) -> Any:
    """A client with a token that is not fresh."""
    answer = client.with_token(person.refresh_token).post("/v1/auth/token/refresh")
    return client.with_token(answer.json()["access_token"])


def test_people_see_themselves_and_nobody_else(client: Any) -> None:
    ann, bob = people.somebody(client), people.somebody(client, "bob@example.com")
    assert ann.client.get(ann.path).json()["data"]["attributes"]["email"] == "ann@example.com"
    assert ann.client.get(bob.path).status_code == 404
    assert client.get(ann.path).status_code == 401


def test_admins_see_everybody(client: Any) -> None:
    ann, root = people.somebody(client), people.admin(client)
    assert root.client.get(ann.path).status_code == 200
    listed = root.client.get("/v1/users?sort=-created-at&page[size]=1").json()
    assert listed["meta"]["count"] == 2
    assert listed["data"][0]["id"] == str(root.id)
    assert ann.client.get("/v1/users").status_code == 403
    assert client.get("/v1/users").status_code == 401


def test_an_empty_or_is_a_filter_that_lets_everything_pass(client: Any) -> None:
    root = people.admin(client)
    answer = root.client.get('/v1/users?filter=[{"or":[]}]&get_trashed=true&page[size]=10&page[number]=1')
    assert answer.status_code == 200


def test_the_password_is_never_answered_nor_asked_about(client: Any) -> None:
    root = people.admin(client)
    assert "password" not in root.client.get(root.path).text
    answer = root.client.get('/v1/users?filter=[{"name":"password_hash","op":"like","val":"$%"}]')
    assert answer.status_code == 400


def test_people_change_their_profile(client: Any, published: Any) -> None:
    ann = people.somebody(client)
    body = changes(ann, first_name="Ann", billing_city="Hamburg", is_admin=True, is_verified=True, password="hunter22!")
    answer = ann.client.patch(ann.path, json=body)
    assert answer.status_code == 200
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["first-name"], attributes["billing-city"]) == ("Ann", "Hamburg")
    assert (attributes["is-admin"], attributes["is-verified"]) == (False, False)
    assert people.log_in(client).status_code == 200
    message = published(pb.UserChanged)[-1].user
    assert (message.first_name, message.version) == ("Ann", 2)


def test_existing_clients_send_everything_back(client: Any) -> None:
    ann = people.somebody(client)
    attributes = ann.client.get(ann.path).json()["data"]["attributes"]
    body = {"data": {"type": "user", "id": str(ann.id), "attributes": attributes}}
    assert stale(client, ann).patch(ann.path, json=body).status_code == 200


def test_a_new_address_needs_a_fresh_token(client: Any, db: Any) -> None:
    ann = people.somebody(client, is_verified=True)
    answer = stale(client, ann).patch(ann.path, json=changes(ann, email="new@example.com", first_name="X"))
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "fresh-token-required"
    assert (row(db, ann.id).email, row(db, ann.id).first_name) == ("ann@example.com", None)


def test_a_new_address_is_unverified_and_both_addresses_are_told(client: Any, db: Any) -> None:
    ann = people.somebody(client, is_verified=True)
    answer = ann.client.patch(ann.path, json=changes(ann, email="New@example.com"))
    assert answer.status_code == 200
    assert answer.json()["data"]["attributes"]["is-verified"] is False
    assert people.mails("email-changed")[0].recipient == "ann@example.com"
    assert people.mails("verify-email")[-1].recipient == "new@example.com"
    client.post("/v1/auth/verify-email", json={"data": {"token": people.mailed_token("verify-email")}})
    assert row(db, ann.id).is_verified
    assert people.log_in(client).status_code == 401
    assert people.log_in(client, "new@example.com").status_code == 200


def test_an_address_of_somebody_else_is_refused(client: Any, db: Any, published: Any) -> None:
    ann = people.somebody(client)
    people.sign_up(client, "bob@example.com")
    told = len(published())
    answer = ann.client.patch(ann.path, json=changes(ann, email="BOB@example.com"))
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "email-taken"
    assert row(db, ann.id).email == "ann@example.com"
    assert len(published()) == told


def test_other_capitals_are_no_other_address(client: Any, db: Any) -> None:
    ann = people.somebody(client, is_verified=True)
    assert stale(client, ann).patch(ann.path, json=changes(ann, email="Ann@Example.com")).status_code == 200
    assert (row(db, ann.id).email, row(db, ann.id).is_verified) == ("Ann@Example.com", True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("strasse@example.com", "straße@example.com"),
        ("ſam@example.com", "sam@example.com"),
        ("ofﬁce@x.de", "office@x.de"),
    ],
)
def test_an_address_that_only_compares_as_equal_is_proven_anew(client: Any, db: Any, old: str, new: str) -> None:
    """Both have one key, so that nobody else signs up with the other; but they may be the mailboxes of two people."""
    ann = people.somebody(client, old)
    token_of_old = people.mailed_token("verify-email")
    people.set_flags(ann.id, is_verified=True)
    assert ann.client.patch(ann.path, json=changes(ann, email=new)).status_code == 200
    assert (row(db, ann.id).email, row(db, ann.id).is_verified) == (new, False)
    assert people.mails("verify-email")[-1].recipient == new
    assert client.post("/v1/auth/verify-email", json={"data": {"token": token_of_old}}).status_code == 400
    client.post("/v1/auth/verify-email", json={"data": {"token": people.mailed_token("verify-email")}})
    assert row(db, ann.id).is_verified


def test_mails_to_new_addresses_are_limited(client: Any, db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = people.somebody(client)
    numbers = {**vars(limits.limits()), "mail_from_address": limits.Limit("a", 2, limits.HOUR)}
    monkeypatch.setattr(limits, "_limits", limits.Limits(**numbers))
    wanted = ("a@example.com", "b@example.com", "c@example.com")
    answers = [ann.client.patch(ann.path, json=changes(ann, email=email)) for email in wanted]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["errors"][0]["code"] == "too-many-attempts"
    assert row(db, ann.id).email == "b@example.com"
    assert [mail.recipient for mail in people.mails("verify-email")] == [
        "ann@example.com",
        "a@example.com",
        "b@example.com",
    ]


def test_mails_to_one_new_address_are_limited_whoever_asks(client: Any) -> None:
    answers = []
    for number in range(4):
        person = people.somebody(client, f"p{number}@example.com")
        answers.append(person.client.patch(person.path, json=changes(person, email="victim@example.com")).status_code)
        person.client.patch(person.path, json=changes(person, email=f"q{number}@example.com"))
    assert answers == [200, 200, 200, 429]


def test_a_profile_that_keeps_its_address_counts_as_no_mail(client: Any) -> None:
    ann = people.somebody(client)
    for number in range(5):
        body = changes(ann, email=("ann@example.com", "Ann@example.com")[number % 2], first_name=f"Ann {number}")
        assert ann.client.patch(ann.path, json=body).status_code == 200


def test_admins_verify_people(client: Any, db: Any, published: Any) -> None:
    ann, root = people.somebody(client), people.admin(client)
    assert root.client.patch(ann.path, json=changes(ann, is_verified=True)).status_code == 200
    assert row(db, ann.id).is_verified
    assert published(pb.UserChanged)[-1].user.is_verified


def test_only_super_admins_make_admins(client: Any, db: Any) -> None:
    ann, boss, root = people.somebody(client), people.admin(client), people.super_admin(client)
    refused = boss.client.patch(ann.path, json=changes(ann, is_admin=True, first_name="X"))
    assert refused.status_code == 403
    assert (row(db, ann.id).is_admin, row(db, ann.id).first_name) == (False, None)
    assert root.client.patch(ann.path, json=changes(ann, is_admin=True)).status_code == 200
    assert row(db, ann.id).is_admin


def test_admins_do_not_touch_their_equals(client: Any, db: Any) -> None:
    boss, other = people.admin(client), people.admin(client, "other@example.com")
    root = people.super_admin(client)
    for target in (other, root):
        assert boss.client.patch(target.path, json=changes(target, first_name="X")).status_code == 403
        assert boss.client.delete(target.path).status_code == 403
        assert row(db, target.id).first_name is None


@pytest.mark.parametrize("change", [{"is_blocked": True}, {"is_admin": False}])
def test_blocking_and_demoting_end_all_sessions(client: Any, published: Any, change: dict[str, bool]) -> None:
    boss, root = people.admin(client), people.super_admin(client)
    assert root.client.patch(boss.path, json=changes(boss, **change)).status_code == 200
    assert boss.client.get(boss.path).status_code == 401
    assert client.with_token(boss.refresh_token).post("/v1/auth/token/refresh").status_code == 401
    assert published(pb.SessionsEnded)[-1].user_id == boss.id


def test_nothing_ends_when_nothing_is_taken_away(client: Any, published: Any) -> None:
    boss, root = people.admin(client), people.super_admin(client)
    assert root.client.patch(boss.path, json=changes(boss, is_admin=True, is_blocked=False)).status_code == 200
    assert boss.client.get(boss.path).status_code == 200
    assert published(pb.SessionsEnded) == []


def test_a_deleted_user_is_gone_and_the_address_is_free(client: Any, db: Any, published: Any) -> None:
    ann = people.somebody(client)
    answer = ann.client.delete(ann.path)
    assert answer.status_code == 200
    assert answer.json()["meta"]["message"] == "The user was deleted."
    assert ann.client.get(ann.path).status_code == 401
    assert people.log_in(client).status_code == 401
    message = published(pb.UserChanged)[-1].user
    assert (message.id, message.deleted, message.email) == (ann.id, True, "")
    assert people.sign_up(client) != ann.id


def test_admins_see_and_restore_the_deleted(client: Any, db: Any, published: Any) -> None:
    ann, root = people.somebody(client), people.admin(client)
    ann.client.delete(ann.path)
    assert root.client.get(ann.path).status_code == 404
    assert root.client.get(f"{ann.path}?get_trashed=true").status_code == 200
    body = {"data": {"type": "user", "id": str(ann.id), "attributes": {"deleted-at": None}}}
    assert root.client.patch(f"{ann.path}?get_trashed=true", json=body).status_code == 200
    assert people.log_in(client).status_code == 200
    assert published(pb.UserChanged)[-1].user.email == "ann@example.com"


def test_a_user_whose_address_is_taken_is_not_restored(client: Any) -> None:
    ann, root = people.somebody(client), people.admin(client)
    ann.client.delete(ann.path)
    people.sign_up(client)
    body = {"data": {"type": "user", "id": str(ann.id), "attributes": {"deleted-at": None}}}
    assert root.client.patch(f"{ann.path}?get_trashed=true", json=body).status_code == 409


def test_people_do_not_see_the_deleted(client: Any) -> None:
    ann, bob = people.somebody(client), people.somebody(client, "bob@example.com")
    ann.client.delete(ann.path)
    assert bob.client.get(f"{ann.path}?get_trashed=true").status_code == 404
    assert bob.client.get(f"{bob.path}?get_trashed=true").status_code == 200


def join_team(user_id: int, *roles: str, version: int = 1, event_id: int = 5) -> None:
    message = events_pb2.EventRole(id=event_id, version=version, event_id=event_id, user_id=user_id, roles=roles)
    with transaction() as db:
        consumers.know_event_role(db, events_pb2.EventRoleChanged(event_role=message))


def test_a_user_says_which_roles_they_have_somewhere(client: Any) -> None:
    ann = people.somebody(client)
    join_team(ann.id, "owner", "registrar")
    join_team(ann.id, "coorganizer", event_id=6)
    attributes = ann.client.get(ann.path).json()["data"]["attributes"]
    assert attributes["is-user-owner"]
    assert attributes["is-user-registrar"]
    assert attributes["is-user-coorganizer"]
    assert not attributes["is-user-organizer"]
    join_team(ann.id, version=2)
    assert not ann.client.get(ann.path).json()["data"]["attributes"]["is-user-owner"]


def test_admins_filter_by_team_role(client: Any) -> None:
    ann, root = people.somebody(client), people.admin(client)
    join_team(ann.id, "owner")
    found = root.client.get('/v1/users?filter=[{"name":"is-user-owner","op":"eq","val":true}]').json()
    assert [user["id"] for user in found["data"]] == [str(ann.id)]


def test_nobody_leaves_an_event_without_its_owner(client: Any, db: Any) -> None:
    ann = people.somebody(client)
    join_team(ann.id, "owner")
    answer = ann.client.delete(ann.path)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "user-has-events"
    assert row(db, ann.id).deleted_at is None
    join_team(ann.id, version=2)
    assert ann.client.delete(ann.path).status_code == 200


def test_who_has_tickets_for_a_coming_event_is_not_deleted(client: Any, db: Any, orders: Any, published: Any) -> None:
    ann, root, eve = people.somebody(client), people.admin(client), people.somebody(client, "eve@example.com")
    orders.coming[ann.id] = 2
    said = len(published())
    for who in (ann, root):
        answer = who.client.delete(ann.path)
        assert answer.status_code == 409
        assert answer.json()["errors"][0]["code"] == "user-has-orders"
        assert answer.json()["errors"][0]["meta"] == {"orders": 2}
    assert eve.client.delete(ann.path).status_code == 404, "strangers do not learn of it"
    assert (row(db, ann.id).deleted_at, len(published())) == (None, said)
    orders.coming.clear()
    assert ann.client.delete(ann.path).status_code == 200


def test_nobody_is_deleted_while_orders_cannot_be_asked(client: Any, db: Any, orders: Any) -> None:
    ann = people.somebody(client)
    orders.is_down = True
    answer = ann.client.delete(ann.path)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert row(db, ann.id).deleted_at is None


def test_erasing_does_not_wait_for_coming_events(client: Any, db: Any, orders: Any) -> None:
    ann = people.somebody(client)
    orders.coming[ann.id] = 1
    assert ann.client.delete(f"{ann.path}?permanent=true").status_code == 200
    assert row(db, ann.id).erased_at is not None


def test_a_wrong_type_or_id_is_refused(client: Any) -> None:
    ann = people.somebody(client)
    body = changes(ann, first_name="X")
    body["data"]["type"] = "users"
    assert ann.client.patch(ann.path, json=body).status_code == 409
    body = changes(ann, first_name="X")
    body["data"]["id"] = "999"
    assert ann.client.patch(ann.path, json=body).status_code == 400


def test_a_change_based_on_an_old_state_is_refused(client: Any, db: Any) -> None:
    ann = people.somebody(client)
    etag = ann.client.get(ann.path).headers["ETag"]
    first = ann.client.patch(ann.path, json=changes(ann, first_name="Ann"), headers={"If-Match": etag})
    second = ann.client.patch(ann.path, json=changes(ann, first_name="Eve"), headers={"If-Match": etag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert row(db, ann.id).first_name == "Ann"


def test_ids_that_nobody_has(client: Any) -> None:
    root = people.admin(client)
    assert root.client.get("/v1/users/999").status_code == 404
    assert root.client.get("/v1/users/99999999999999999999").status_code == 404
    assert root.client.get("/v1/users/x").status_code == 404
    assert root.client.get("/v1/users/1%0A").status_code == 404
    assert root.client.delete("/v1/users/999").status_code == 404
