"""Forgotten and changed passwords."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from chassis import clock
from proto.accounts import accounts_pb2 as pb
from services.accounts.models import MailToken, User
from services.accounts.tests import people
from services.accounts.tests.people import PASSWORD

RESET = "/v1/auth/reset-password"
NEW = "battery-staple"


def asked_token(client: Any, email: str = "ann@example.com") -> str:
    assert client.post(RESET, json={"data": {"email": email}}).status_code == 200
    return people.mailed_token("reset-password")


def test_a_forgotten_password_is_chosen_anew(client: Any, db: Any, published: Any) -> None:
    ann = people.somebody(client)
    token = asked_token(client)
    assert f"https://tickets.example.com/reset-password?token={token}" in people.mails("reset-password")[0].text
    answer = client.patch(RESET, json={"data": {"token": token, "password": NEW}})
    assert answer.status_code == 200
    assert answer.json() == {"id": str(ann.id), "email": "ann@example.com", "name": ""}
    assert people.log_in(client).status_code == 401
    assert people.log_in(client, password=NEW).status_code == 200
    assert db.scalar(sa.select(User.is_verified)) is True  # whoever reads the mail owns the address
    assert len(people.mails("password-changed")) == 1


def test_all_sessions_end_and_a_new_login_works_at_once(client: Any, published: Any) -> None:
    ann = people.somebody(client)
    other = people.log_in(client).json()
    client.patch(RESET, json={"data": {"token": asked_token(client), "password": NEW}})
    for tokens in ((ann.access_token, ann.refresh_token), (other["access_token"], other["refresh_token"])):
        assert client.with_token(tokens[0]).get(ann.path).status_code == 401
        assert client.with_token(tokens[1]).post("/v1/auth/token/refresh").status_code == 401
    access = people.log_in(client, password=NEW).json()["access_token"]
    assert client.with_token(access).get(ann.path).status_code == 200
    assert published(pb.SessionsEnded)[-1].session_id == ""


def test_the_answer_is_the_same_whether_or_not_the_address_exists(client: Any) -> None:
    people.sign_up(client)
    known = client.post(RESET, json={"data": {"email": "ANN@example.com"}})
    unknown = client.post(RESET, json={"data": {"email": "bob@example.com"}})
    assert (known.status_code, known.json(), unknown.status_code) == (200, unknown.json(), 200)
    assert [mail.recipient for mail in people.mails("reset-password")] == ["ann@example.com"]


def test_a_token_counts_once(client: Any) -> None:
    people.sign_up(client)
    token = asked_token(client)
    assert client.patch(RESET, json={"data": {"token": token, "password": NEW}}).status_code == 200
    again = client.patch(RESET, json={"data": {"token": token, "password": "something-else"}})
    assert again.status_code == 404
    assert again.json()["errors"][0]["code"] == "reset-token-invalid"
    assert people.log_in(client, password=NEW).status_code == 200


def test_one_use_closes_the_other_tokens(client: Any) -> None:
    people.sign_up(client)
    first, second = asked_token(client), asked_token(client)
    assert client.patch(RESET, json={"data": {"token": second, "password": NEW}}).status_code == 200
    assert client.patch(RESET, json={"data": {"token": first, "password": "something-else"}}).status_code == 404


def test_a_token_is_valid_for_an_hour(client: Any) -> None:
    people.sign_up(client)
    token = asked_token(client)
    with clock.freeze(clock.now() + timedelta(minutes=61)):
        assert client.patch(RESET, json={"data": {"token": token, "password": NEW}}).status_code == 404
    assert people.log_in(client).status_code == 200


def test_there_is_no_token_before_one_is_asked_for(client: Any, db: Any) -> None:
    people.somebody(client)
    assert db.scalars(sa.select(MailToken.purpose)).all() == ["verify-email"]


def test_a_verification_token_resets_nothing(client: Any) -> None:
    people.sign_up(client)
    token = people.mailed_token("verify-email")
    assert client.patch(RESET, json={"data": {"token": token, "password": NEW}}).status_code == 404


def test_a_short_password_is_refused_and_the_token_stays_good(client: Any) -> None:
    people.sign_up(client)
    token = asked_token(client)
    answer = client.patch(RESET, json={"data": {"token": token, "password": "short"}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["source"] == {"pointer": "/data/password"}
    assert client.patch(RESET, json={"data": {"token": token, "password": NEW}}).status_code == 200


def test_a_changed_address_closes_the_tokens_of_the_old_one(client: Any) -> None:
    ann = people.somebody(client)
    token = asked_token(client)
    ann.client.patch(ann.path, json=people.changes(ann, email="new@example.com"))
    assert client.patch(RESET, json={"data": {"token": token, "password": NEW}}).status_code == 404


def test_asking_is_limited_per_address(client: Any) -> None:
    people.sign_up(client)
    for email in ("ann@example.com", "bob@example.com"):
        answers = [client.post(RESET, json={"data": {"email": email}}).status_code for _ in range(4)]
        assert answers == [200, 200, 200, 429]
    assert len(people.mails("reset-password")) == 3


def test_the_blocked_get_no_mail(client: Any) -> None:
    people.set_flags(people.sign_up(client), is_blocked=True)
    assert client.post(RESET, json={"data": {"email": "ann@example.com"}}).status_code == 200
    assert people.mails("reset-password") == []


def test_changing_the_password_ends_the_other_sessions_only(client: Any, published: Any) -> None:
    ann = people.somebody(client)
    other = people.log_in(client).json()
    body = {"data": {"old-password": PASSWORD, "new-password": NEW}}
    answer = ann.client.post("/v1/auth/change-password", json=body)
    assert answer.status_code == 200
    assert answer.json() == {"id": str(ann.id), "email": "ann@example.com", "name": "", "password-changed": True}
    assert ann.client.get(ann.path).status_code == 200
    assert client.with_token(ann.refresh_token).post("/v1/auth/token/refresh").status_code == 200
    assert client.with_token(other["access_token"]).get(ann.path).status_code == 401
    assert client.with_token(other["refresh_token"]).post("/v1/auth/token/refresh").status_code == 401
    assert people.log_in(client, password=NEW).status_code == 200
    assert len(people.mails("password-changed")) == 1


@pytest.mark.parametrize(
    ("old", "new", "status", "code"),
    [
        ("wrong-horse", NEW, 400, "wrong-password"),
        (PASSWORD, PASSWORD, 400, "password-unchanged"),
        (PASSWORD, "short", 422, "password-too-short"),
        ("", NEW, 400, "old-password-missing"),
    ],
)
def test_refused_changes_change_nothing(client: Any, old: str, new: str, status: int, code: str) -> None:
    ann = people.somebody(client)
    answer = ann.client.post("/v1/auth/change-password", json={"data": {"old-password": old, "new-password": new}})
    assert answer.status_code == status
    assert answer.json()["errors"][0]["code"] == code
    assert people.log_in(client).status_code == 200
    assert people.mails("password-changed") == []


def test_guessing_the_old_password_is_limited(client: Any) -> None:
    ann = people.somebody(client)
    body = {"data": {"old-password": "wrong-horse", "new-password": NEW}}
    answers = [ann.client.post("/v1/auth/change-password", json=body).status_code for _ in range(11)]
    assert answers == [400] * 10 + [429]


def test_a_password_can_be_checked_by_its_owner(client: Any) -> None:
    ann = people.somebody(client)
    assert ann.client.post("/v1/auth/verify-password", json={"password": PASSWORD}).json() == {"result": True}
    assert ann.client.post("/v1/auth/verify-password", json={"password": "wrong-horse"}).json() == {"result": False}
    assert client.post("/v1/auth/verify-password", json={"password": PASSWORD}).status_code == 401


def test_tokens_and_passwords_stay_out_of_the_logs(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    people.somebody(client)
    token = asked_token(client)
    client.patch(RESET, json={"data": {"token": token, "password": NEW}})
    assert token not in caplog.text
    assert NEW not in caplog.text
    assert PASSWORD not in caplog.text
