"""Teams and invitations: tokens are in the mail only, and accepted by whom they invite."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis import clock, mail
from chassis.testing import Client
from proto.events.events_pb2 import EventChanged, EventRoleChanged
from services.events.models import RoleInvite
from services.events.tests.conftest import OWNER, STRANGER, Making, Published, code_of, made, to

ROLES = {"owner": "1", "organizer": "2", "coorganizer": "3", "track_organizer": "4", "moderator": "5", "registrar": "6"}


def invite(making: Making, event: dict[str, Any], role: str = "coorganizer", **rest: Any) -> Any:
    """An invitation of the stranger, as an answer."""
    given = {"email": f"user{STRANGER}@example.com", "role_name": role, **rest}
    return making.child("role-invites", "role-invite", event, related={"role": to("role", ROLES[role])}, **given)


def mailed_token(db: Session) -> str:
    """The token of the newest invitation."""
    letters = db.execute(select(mail.mail.c.text).order_by(mail.mail.c.id)).scalars().all()
    db.rollback()
    return str(letters[-1]).partition("token=")[2].split()[0]


def accept(by: Client, token: str) -> Any:
    """What accepting answers."""
    return by.post("/v1/role_invites/accept-invite", json={"data": {"token": token}})


def join(making: Making, db: Session, event: dict[str, Any], role: str) -> None:
    """The stranger gets a role."""
    made(invite(making, event, role))
    assert accept(making.stranger, mailed_token(db)).status_code == 200


def test_an_invitation_is_accepted_by_whom_it_invites(making: Making, db: Session, published: Published) -> None:
    event = making.event(state="draft")
    invited = made(invite(making, event))
    assert invited["attributes"]["hash"] is None
    token = mailed_token(db)
    assert token not in making.owner.get(f"/v1/events/{event['id']}/role-invites").text
    who = making.anyone.post("/v1/role_invites/user", json={"data": {"token": token}})
    assert who.json() == {"email": f"user{STRANGER}@example.com"}
    answer = accept(making.stranger, token)
    assert (answer.json()["role"], answer.json()["event_identifier"]) == (
        "coorganizer",
        event["attributes"]["identifier"],
    )
    assert making.stranger.get(f"/v1/events/{event['id']}").status_code == 200
    said = published(EventRoleChanged)[-1].event_role
    assert (said.user_id, list(said.roles)) == (STRANGER, ["coorganizer"])
    assert accept(making.stranger, token).status_code == 410


def test_nobody_else_accepts_it(making: Making, db: Session, client: Client) -> None:
    event = making.event(state="draft")
    made(invite(making, event))
    token = mailed_token(db)
    assert accept(client, token).status_code == 401
    assert code_of(accept(client.as_user(55), token)) == (403, "invite-foreign")
    assert code_of(accept(client.as_user(STRANGER, is_verified=False), token)) == (403, "unverified-user")
    assert code_of(accept(making.stranger, "guess")) == (404, "invite-unknown")
    assert making.stranger.get(f"/v1/events/{event['id']}").status_code == 404
    with clock.freeze(clock.now() + timedelta(days=15)):
        assert code_of(accept(making.stranger, token)) == (410, "invite-expired")


def test_the_token_is_kept_as_a_hash(making: Making, db: Session) -> None:
    made(invite(making, making.event()))
    [kept] = db.scalars(select(RoleInvite)).all()
    assert mailed_token(db).encode() not in kept.token_hash
    assert len(kept.token_hash) == 32


def test_sending_it_again_ends_the_old_token(making: Making, db: Session) -> None:
    invited = made(invite(making, making.event()))
    old = mailed_token(db)
    again = making.owner.post(f"/v1/role-invites/{invited['id']}/resend-invite", json={})
    assert again.json() == {"success": True}
    assert code_of(accept(making.stranger, old)) == (404, "invite-unknown")
    assert accept(making.stranger, mailed_token(db)).status_code == 200


def test_organizers_invite_and_only_the_owner_gives_the_event_away(making: Making, db: Session) -> None:
    event = making.event()
    join(making, db, event, "coorganizer")
    given = {"email": "else@example.com", "role_name": "registrar", "related": {"role": to("role", "6")}}
    assert code_of(making.child("role-invites", "role-invite", event, by=making.stranger, **given)) == (
        403,
        "event-role-required",
    )
    join(making, db, event, "organizer")
    made(making.child("role-invites", "role-invite", event, by=making.stranger, **given))
    owner = {"email": "else@example.com", "role_name": "owner", "related": {"role": to("role", "1")}}
    assert making.child("role-invites", "role-invite", event, by=making.stranger, **owner).status_code == 403


def test_an_address_is_invited_once(making: Making) -> None:
    event = making.event()
    made(invite(making, event))
    assert code_of(invite(making, event, email=f"USER{STRANGER}@example.com")) == (409, "invite-exists")
    related = {"role": to("role", "2")}
    given = {"email": "else@example.com", "role_name": "coorganizer"}
    assert code_of(making.child("role-invites", "role-invite", event, related=related, **given)) == (
        422,
        "role-name-mismatch",
    )


def test_a_new_owner_leaves_the_old_one_as_organizer(making: Making, db: Session, published: Published) -> None:
    event = making.event()
    join(making, db, event, "owner")
    assert published(EventChanged)[-1].event.owner_id == STRANGER
    states = {each.event_role.user_id: list(each.event_role.roles) for each in published(EventRoleChanged)}
    assert states == {OWNER: ["organizer"], STRANGER: ["owner"]}


def test_roles_are_taken_away_but_never_the_owners(making: Making, db: Session, published: Published) -> None:
    event = making.event()
    join(making, db, event, "organizer")
    rows = making.owner.get(f"/v1/events/{event['id']}/users-events-roles?sort=id").json()["data"]
    owner, organizer = (row["id"] for row in rows)
    assert code_of(making.stranger.delete(f"/v1/users-events-roles/{owner}")) == (403, "owner-fixed")
    change = {"type": "users-events-roles", "id": organizer, "relationships": {"role": to("role", "1")}}
    answer = making.stranger.patch(f"/v1/users-events-roles/{organizer}", json={"data": change})
    assert code_of(answer) == (403, "owner-fixed")
    change["relationships"] = {"role": to("role", "6")}
    path, stale = f"/v1/users-events-roles/{organizer}", {"If-Match": 'W/"old"'}
    assert making.owner.patch(path, json={"data": change}, headers=stale).status_code == 412
    assert making.owner.delete(path, headers=stale).status_code == 412
    shown = making.owner.get(f"{path}/role").json()["data"]
    assert shown["attributes"]["name"] == "organizer"
    changed = making.owner.patch(f"/v1/users-events-roles/{organizer}", json={"data": change})
    assert (changed.status_code, changed.json()["data"]["id"]) == (200, organizer)
    shown = making.owner.get(f"/v1/users-events-roles/{organizer}/role").json()["data"]
    assert shown["attributes"]["name"] == "registrar"
    assert list(published(EventRoleChanged)[-1].event_role.roles) == ["registrar"]
    assert making.stranger.get(f"/v1/users-events-roles/{owner}").status_code == 404
    assert making.owner.delete(f"/v1/users-events-roles/{organizer}").status_code == 200
    assert list(published(EventRoleChanged)[-1].event_role.roles) == []


def test_a_role_is_changed_into_one_that_there_is_and_that_is_new_to_its_holder(
    making: Making, db: Session, published: Published
) -> None:
    event = making.event()
    join(making, db, event, "organizer")
    join(making, db, event, "registrar")
    rows = making.owner.get(f"/v1/events/{event['id']}/users-events-roles?sort=id").json()["data"]
    path, told = f"/v1/users-events-roles/{rows[1]['id']}", len(published(EventRoleChanged))
    for role, refusal in (
        ("9999", (422, "related-not-found")),
        (None, (422, "role-missing")),
        ("6", (409, "role-held")),
    ):
        change = {"type": "users-events-roles", "id": rows[1]["id"], "relationships": {"role": to("role", role)}}
        assert code_of(making.owner.patch(path, json={"data": change})) == refusal
    assert making.owner.get(f"{path}/role").json()["data"]["attributes"]["name"] == "organizer"
    assert len(published(EventRoleChanged)) == told


@pytest.mark.parametrize(
    ("role", "tracks", "sponsors"), [("coorganizer", 201, 201), ("track_organizer", 201, 403), ("registrar", 403, 403)]
)
def test_what_a_role_may_write(making: Making, db: Session, role: str, tracks: int, sponsors: int) -> None:
    event = making.event(state="draft")
    join(making, db, event, role)
    track = making.child("tracks", "track", event, by=making.stranger, name="Main", color="#336699")
    assert track.status_code == tracks
    sponsor = making.child("sponsors", "sponsor", event, by=making.stranger, name="Bakery")
    assert sponsor.status_code == sponsors


def test_a_coorganizer_cannot_raise_himself(making: Making, db: Session) -> None:
    event = making.event()
    join(making, db, event, "coorganizer")
    rows = making.owner.get(f"/v1/events/{event['id']}/users-events-roles?sort=-id").json()["data"]
    change = {"type": "users-events-roles", "id": rows[0]["id"], "relationships": {"role": to("role", "2")}}
    answer = making.stranger.patch(f"/v1/users-events-roles/{rows[0]['id']}", json={"data": change})
    assert code_of(answer) == (403, "event-role-required")


def test_an_accepted_invitation_is_not_deleted(making: Making, db: Session) -> None:
    event = making.event()
    invited = made(invite(making, event))
    assert accept(making.stranger, mailed_token(db)).status_code == 200
    assert code_of(making.owner.delete(f"/v1/role-invites/{invited['id']}")) == (409, "invite-accepted")


def test_built_in_roles_keep_their_names(making: Making) -> None:
    change = {"type": "role", "id": "1", "attributes": {"name": "boss"}}
    assert code_of(making.admin.patch("/v1/roles/1", json={"data": change})) == (422, "role-built-in")
    assert code_of(making.admin.delete("/v1/roles/1")) == (422, "role-built-in")
    assert making.owner.delete("/v1/roles/1").status_code == 403
