"""Signing up and proving an address."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from chassis import clock
from proto.accounts import accounts_pb2 as pb
from services.accounts.models import MailToken, User
from services.accounts.tests import people
from services.accounts.tests.people import PASSWORD


def user_body(**attributes: Any) -> dict[str, Any]:
    return {"data": {"type": "user", "attributes": {"email": "ann@example.com", "password": PASSWORD, **attributes}}}


def count_users(db: Any) -> int:
    found: int = db.scalar(sa.select(sa.func.count()).select_from(User))
    return found


def test_anybody_signs_up_and_is_not_verified(client: Any, published: Any) -> None:
    answer = client.post("/v1/users", json=user_body(**{"first-name": "Ann", "was-registered-with-order": True}))
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert answer.headers["Location"] == f"/v1/users/{data['id']}"
    assert data["attributes"]["email"] == "ann@example.com"
    assert data["attributes"]["first-name"] == "Ann"
    assert data["attributes"]["is-verified"] is False
    assert data["attributes"]["was-registered-with-order"] is True
    assert "password" not in data["attributes"]
    assert data["relationships"]["events"]["links"]["related"] == f"/v1/users/{data['id']}/events"
    [message] = published(pb.UserChanged)
    assert (message.user.id, message.user.email, message.user.version) == (int(data["id"]), "ann@example.com", 1)
    assert not message.user.is_verified


def test_power_is_not_taken_at_sign_up(client: Any, db: Any) -> None:
    flags = {"is-admin": True, "is-super-admin": True, "is-verified": True, "is-sales-admin": True, "is-marketer": True}
    assert client.post("/v1/users", json=user_body(**flags)).status_code == 201
    user = db.scalar(sa.select(User))
    assert (user.role, user.is_verified, user.is_sales_admin, user.is_marketer) == ("user", False, False, False)


def test_the_same_address_in_capitals_is_taken(client: Any, db: Any, published: Any) -> None:
    people.sign_up(client)
    answer = client.post("/v1/users", json=user_body(email="ANN@Example.com"))
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["status"] == 409
    assert answer.json()["errors"][0]["code"] == "email-taken"
    assert count_users(db) == 1
    assert len(published(pb.UserChanged)) == 1


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"password": "short"}, "password-too-short"),
        ({"password": None}, "password-too-short"),
        ({"email": "nobody"}, "email-invalid"),
    ],
)
def test_bad_sign_ups_change_nothing(client: Any, db: Any, attributes: dict[str, Any], code: str) -> None:
    answer = client.post("/v1/users", json=user_body(**attributes))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["status"] == "422"
    assert answer.json()["errors"][0]["code"] == code
    assert count_users(db) == 0
    assert people.mails() == []


def test_sign_up_repeated_with_its_key_is_one_user(client: Any, db: Any) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = client.post("/v1/users", json=user_body(), headers=headers)
    second = client.post("/v1/users", json=user_body(), headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert count_users(db) == 1


def test_the_password_is_stored_as_argon2id_only(client: Any, db: Any) -> None:
    people.sign_up(client)
    assert db.scalar(sa.select(User.password_hash)).startswith("$argon2id$")


def test_the_mailed_token_verifies_the_address_once(client: Any, db: Any, published: Any) -> None:
    people.sign_up(client)
    [mail] = people.mails("verify-email")
    token = people.mailed_token("verify-email")
    assert mail.recipient == "ann@example.com"
    assert f"https://tickets.example.com/verify?token={token}" in mail.text
    assert len(token) == 43
    answer = client.post("/v1/auth/verify-email", json={"data": {"token": token}})
    assert answer.status_code == 200
    assert answer.json() == {"message": "Email Verified"}
    assert published(pb.UserChanged)[-1].user.is_verified
    again = client.post("/v1/auth/verify-email", json={"data": {"token": token}})
    assert again.status_code == 400
    assert again.json()["errors"][0]["code"] == "verification-token-invalid"


def test_whose_address_is_not_proven_is_greeted_by_no_name(client: Any) -> None:
    """Or anybody could have us mail text of theirs to anybody."""
    name = "you won\n\nhttps://evil.example"
    ann = people.somebody(client)
    people.set_flags(ann.id, first_name=name)
    client.post("/v1/auth/resend-verification-email", json={"data": {"email": "ann@example.com"}})
    client.post("/v1/auth/reset-password", json={"data": {"email": "ann@example.com"}})
    ann.client.patch(ann.path, json=people.changes(ann, email="bob@example.com"))
    assert [mail.kind for mail in people.mails()[1:]] == [
        "verify-email",
        "reset-password",
        "email-changed",
        "verify-email",
    ]
    for mail in people.mails():
        assert mail.text.startswith("Hello,\n")
        assert "evil" not in mail.text + mail.html


def test_a_new_address_is_greeted_by_no_name_either(client: Any) -> None:
    ann = people.somebody(client, is_verified=True, first_name="Ann")
    ann.client.patch(ann.path, json=people.changes(ann, email="victim@example.com"))
    old, new = people.mails()[1:]
    assert (old.recipient, old.text.partition("\n")[0]) == ("ann@example.com", "Hello Ann,")
    assert (new.recipient, new.text.partition("\n")[0]) == ("victim@example.com", "Hello,")


def test_a_name_in_a_mail_is_one_short_line(client: Any) -> None:
    people.somebody(client, is_verified=True, first_name="Ann\n\n" + "a" * 190)
    client.post("/v1/auth/reset-password", json={"data": {"email": "ann@example.com"}})
    assert people.mails()[-1].text.partition("\n\n")[0] == f"Hello Ann {'a' * 56},"


def test_the_token_is_stored_as_a_hash(client: Any, db: Any) -> None:
    people.sign_up(client)
    token = people.mailed_token("verify-email")
    row = db.scalar(sa.select(MailToken))
    assert len(row.token_hash) == 32
    assert token.encode() not in row.token_hash


def test_an_old_token_verifies_nothing(client: Any, db: Any) -> None:
    people.sign_up(client)
    token = people.mailed_token("verify-email")
    with clock.freeze(clock.now() + timedelta(hours=73)):
        assert client.post("/v1/auth/verify-email", json={"data": {"token": token}}).status_code == 400
    assert db.scalar(sa.select(User.is_verified)) is False


def test_a_token_for_another_address_verifies_nothing(client: Any, db: Any) -> None:
    ann = people.somebody(client)
    token = people.mailed_token("verify-email")
    assert ann.client.patch(ann.path, json=people.changes(ann, email="new@example.com")).status_code == 200
    assert client.post("/v1/auth/verify-email", json={"data": {"token": token}}).status_code == 400
    assert db.scalar(sa.select(User.is_verified)) is False


@pytest.mark.parametrize("body", [{}, {"data": {}}, {"data": {"token": ""}}, {"data": {"token": "x" * 43}}])
def test_a_token_that_is_none(client: Any, body: dict[str, Any]) -> None:
    assert client.post("/v1/auth/verify-email", json=body).status_code in (400, 422)


def test_resending_answers_the_same_whether_or_not_the_address_exists(client: Any) -> None:
    people.sign_up(client)
    known = client.post("/v1/auth/resend-verification-email", json={"data": {"email": "Ann@example.com"}})
    unknown = client.post("/v1/auth/resend-verification-email", json={"data": {"email": "bob@example.com"}})
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert known.status_code == 200
    assert [mail.recipient for mail in people.mails()] == ["ann@example.com"] * 2
    assert (
        client.post("/v1/auth/verify-email", json={"data": {"token": people.mailed_token("verify-email")}}).status_code
        == 200
    )


def test_the_verified_get_no_more_verification_mails(client: Any) -> None:
    people.somebody(client, is_verified=True)
    client.post("/v1/auth/resend-verification-email", json={"data": {"email": "ann@example.com"}})
    assert len(people.mails()) == 1


def test_resending_is_limited_per_address_whether_or_not_it_exists(client: Any) -> None:
    people.sign_up(client)
    for email in ("ann@example.com", "bob@example.com"):
        answers = [client.post("/v1/auth/resend-verification-email", json={"data": {"email": email}}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 3600


def test_forms_may_ask_whether_an_address_is_taken(client: Any) -> None:
    people.sign_up(client)
    assert client.post("/v1/users/check_email", json={"email": "ANN@example.com"}).json() == {"exists": True}
    assert client.post("/v1/users/check_email", json={"email": "bob@example.com"}).json() == {"exists": False}
    older = client.post("/v1/users/checkEmail", json={"email": "bob@example.com"})
    assert older.json() == {"exists": False, "result": "False"}
    assert older.headers["content-type"] == "application/vnd.api+json"
