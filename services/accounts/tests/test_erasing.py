"""A person's data, given to them and forgotten."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from chassis import clock
from chassis.idempotency import answers
from proto.accounts import accounts_pb2 as pb
from services.accounts import jobs
from services.accounts.messages import LAST
from services.accounts.models import User
from services.accounts.tests import people
from services.accounts.tests.test_notifications import email_body, join_team

pytestmark = pytest.mark.usefixtures("orders")  # deleting asks it


def everything(db: Any) -> str:
    """All text in the database of accounts."""
    db.rollback()
    tables = db.scalars(sa.text("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")).all()
    rows = [db.scalars(sa.text(f"SELECT row_to_json(t)::text FROM {table} t")).all() for table in tables]  # noqa: S608
    bodies = db.scalars(sa.text("SELECT convert_from(body, 'UTF8') FROM idempotency")).all()
    payloads = db.scalars(sa.text("SELECT encode(payload, 'escape') FROM outbox")).all()
    return "\n".join([*(text for found in rows for text in found), *bodies, *payloads])


def with_traces(client: Any) -> people.Person:
    """Somebody who has left traces everywhere."""
    ann = people.somebody(client, "ann.unusual@example.com")
    keyed = {"Idempotency-Key": "k"}
    ann.client.patch(
        ann.path, json=people.changes(ann, first_name="Annunziata", contact="+49 40 1234567"), headers=keyed
    )
    ann.client.post("/v1/user-emails", json=email_body("annunziata@work.example"))
    client.post("/v1/auth/reset-password", json={"data": {"email": ann.email}})
    join_team(ann.id, "organizer")
    join_team(ann.id, version=2)
    return ann


def test_nothing_personal_is_left(client: Any, db: Any, published: Any) -> None:
    ann = with_traces(client)
    people.sign_up(client, "bob@example.com")
    password_hash = db.scalar(sa.select(User.password_hash).where(User.id == ann.id))
    before = everything(db)
    assert "Annunziata" in before
    assert password_hash in before
    answer = ann.client.delete(f"{ann.path}?permanent=true")
    assert answer.status_code == 200
    left = everything(db)
    assert password_hash not in left
    left = left.lower()
    for trace in ("unusual", "annunziata", "1234567"):
        assert trace not in left
    assert "bob@example.com" in left
    message = published(pb.UserChanged)[-1].user
    assert (message.id, message.deleted, message.erased, message.version) == (ann.id, True, True, LAST)
    assert db.get(User, ann.id).password_hash is None
    assert ann.client.get(ann.path).status_code == 401


def test_an_address_that_was_given_up_before_is_forgotten_too(client: Any, db: Any) -> None:
    ann = people.somebody(client, "ann.unusual@example.com", is_verified=True)
    assert ann.client.patch(ann.path, json=people.changes(ann, email="ann@example.com")).status_code == 200
    assert "unusual" in everything(db)
    assert ann.client.delete(f"{ann.path}?permanent=true").status_code == 200
    assert "unusual" not in everything(db)


def test_who_has_the_address_of_a_deleted_person_keeps_their_mails(client: Any, db: Any) -> None:
    ann, root = people.somebody(client), people.admin(client)
    ann.client.delete(ann.path)
    people.sign_up(client, ann.email)
    assert root.client.delete(f"{ann.path}?permanent=true&get_trashed=true").status_code == 200
    [left] = [mail for mail in people.mails("verify-email") if mail.recipient == ann.email]
    assert left.status == "queued"


@pytest.mark.parametrize("is_verified", [True, False])
def test_others_are_told_whether_the_address_was_proved(client: Any, published: Any, is_verified: bool) -> None:
    ann = people.somebody(client, is_verified=is_verified)
    assert ann.client.delete(f"{ann.path}?permanent=true").status_code == 200
    assert published(pb.UserChanged)[-1].user.is_verified is is_verified


def test_the_stored_answer_to_a_sign_up_goes_too(client: Any, db: Any) -> None:
    body = {"data": {"type": "user", "attributes": {"email": "ann@example.com", "password": people.PASSWORD}}}
    client.post("/v1/users", json=body, headers={"Idempotency-Key": "k"})
    tokens = people.log_in(client).json()
    assert db.scalar(sa.select(sa.func.count()).select_from(answers)) == 1
    assert client.with_token(tokens["access_token"]).delete("/v1/users/1?permanent=true").status_code == 200
    db.rollback()
    assert db.scalar(sa.select(sa.func.count()).select_from(answers)) == 0


def test_erasing_oneself_needs_a_fresh_token(client: Any, db: Any) -> None:
    ann = people.somebody(client)
    answer = client.with_token(ann.refresh_token).post("/v1/auth/token/refresh")
    stale = client.with_token(answer.json()["access_token"])
    refused = stale.delete(f"{ann.path}?permanent=true")
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["code"] == "fresh-token-required"
    assert db.scalar(sa.select(User.deleted_at)) is None


def test_admins_erase_the_deleted(client: Any, db: Any) -> None:
    ann, root = people.somebody(client), people.admin(client)
    ann.client.delete(ann.path)
    assert root.client.delete(f"{ann.path}?permanent=true").status_code == 404
    assert root.client.delete(f"{ann.path}?permanent=true&get_trashed=true").status_code == 200
    assert db.get(User, ann.id).email == f"user-{ann.id}@erased.invalid"


def test_the_erased_are_not_restored(client: Any, db: Any) -> None:
    ann, root = people.somebody(client), people.admin(client)
    ann.client.delete(f"{ann.path}?permanent=true")
    body = {"data": {"type": "user", "id": str(ann.id), "attributes": {"deleted-at": None, "email": ann.email}}}
    assert root.client.patch(f"{ann.path}?get_trashed=true", json=body).status_code == 410
    assert db.get(User, ann.id).deleted_at is not None


def test_strangers_erase_nobody(client: Any, db: Any) -> None:
    ann, bob = people.somebody(client), people.somebody(client, "bob@example.com")
    assert bob.client.delete(f"{ann.path}?permanent=true").status_code == 404
    assert db.get(User, ann.id).erased_at is None


def test_a_team_member_is_not_erased(client: Any, db: Any) -> None:
    ann = people.somebody(client)
    join_team(ann.id, "owner")
    assert ann.client.delete(f"{ann.path}?permanent=true").status_code == 403
    assert db.get(User, ann.id).erased_at is None


def test_the_long_deleted_are_erased_by_the_clock(client: Any, db: Any) -> None:
    ann = people.somebody(client)
    ann.client.delete(ann.path)
    with clock.freeze(clock.now() + timedelta(days=29)):
        jobs.erase_deleted()
    db.rollback()
    assert db.scalar(sa.select(User.erased_at)) is None
    with clock.freeze(clock.now() + timedelta(days=31)):
        jobs.erase_deleted()
    db.rollback()
    assert db.scalar(sa.select(User.erased_at)) is not None


def test_people_get_a_copy_of_what_is_kept(client: Any) -> None:
    ann, bob = with_traces(client), people.somebody(client, "bob@example.com")
    answer = ann.client.get(f"{ann.path}/export")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="user-{ann.id}.json"'
    found = answer.json()
    assert found["user"]["first-name"] == "Annunziata"
    assert found["alternate-emails"][0]["email-address"] == "annunziata@work.example"
    assert f"/v1/users/{ann.id}/orders" in found["elsewhere"]
    assert "argon2id" not in answer.text
    assert bob.client.get(f"{ann.path}/export").status_code == 404
    assert client.get(f"{ann.path}/export").status_code == 401


@pytest.mark.parametrize("path", ["/v1/users/999/export", "/v1/users/x/export"])
def test_nobody_has_no_copy(client: Any, path: str) -> None:
    assert people.admin(client).client.get(path).status_code == 404


def test_if_match_refuses_to_delete_who_has_changed(client: Any) -> None:
    ann = people.somebody(client)
    for path in (ann.path, f"{ann.path}?permanent=true"):
        assert ann.client.delete(path, headers={"If-Match": 'W/"old"'}).status_code == 412
        assert ann.client.get(ann.path).status_code == 200
    tag = ann.client.get(ann.path).headers["etag"]
    assert ann.client.delete(ann.path, headers={"If-Match": tag}).status_code == 200
