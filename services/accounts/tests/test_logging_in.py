"""Logging in and out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
import sqlalchemy as sa

from chassis import clock
from proto.accounts import accounts_pb2 as pb
from services.accounts import config, hashing, limits, start
from services.accounts.models import LoginSession, User
from services.accounts.tests import people
from services.accounts.tests.people import PASSWORD


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("path", ["/auth/session", "/v1/auth/session", "/v1/auth/login"])
@pytest.mark.parametrize("field", ["username", "email"])
def test_a_login_answers_both_tokens(client: Any, path: str, field: str) -> None:
    people.sign_up(client)
    answer = client.post(path, json={field: "Ann@Example.com", "password": PASSWORD})
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "refresh_token"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_an_access_token_says(client: Any) -> None:
    ann = people.somebody(client, is_verified=True)
    claims = claims_of(ann.access_token)
    assert claims["identity"] == ann.id
    assert claims["sub"] == str(ann.id)
    assert claims["email"] == "ann@example.com"
    assert (claims["role"], claims["is_verified"], claims["fresh"], claims["typ"]) == ("user", True, True, "access")
    assert len(claims["csrf"]) == 43
    assert 890 <= claims["exp"] - claims["iat"] <= 900
    assert jwt.get_unverified_header(ann.access_token)["alg"] == "EdDSA"


@pytest.mark.parametrize("scheme", ["JWT", "Bearer"])
def test_both_schemes_are_understood(client: Any, scheme: str) -> None:
    ann = people.somebody(client)
    answer = client.with_token(ann.access_token, scheme).get("/v1/users/user-details/get-user-id")
    assert answer.json() == {"user_id": str(ann.id)}


def test_a_refresh_token_opens_no_door(client: Any) -> None:
    ann = people.somebody(client)
    assert client.with_token(ann.refresh_token).get(ann.path).status_code == 401


def test_wrong_password_and_unknown_address_look_the_same(client: Any) -> None:
    people.sign_up(client)
    wrong = people.log_in(client, password="wrong-horse")
    unknown = people.log_in(client, "bob@example.com")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["error"] == "The e-mail address or the password is wrong."
    assert wrong.json()["errors"][0]["code"] == "wrong-credentials"


def test_an_unknown_address_costs_the_work_of_a_hash(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    real = hashing.matches

    def spy(password_hash: str | None, password: str) -> bool:
        seen.append(password_hash)
        return real(password_hash, password)

    monkeypatch.setattr(hashing, "matches", spy)
    people.log_in(client, "bob@example.com")
    assert seen == [None]


@pytest.mark.parametrize("body", [{}, {"username": "ann@example.com"}, {"password": PASSWORD}, {"username": ""}])
def test_missing_credentials_are_a_bad_request(client: Any, body: dict[str, Any]) -> None:
    answer = client.post("/auth/session", json=body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "credentials-missing"


def test_the_blocked_do_not_log_in(client: Any, db: Any) -> None:
    people.set_flags(people.sign_up(client), is_blocked=True)
    answer = people.log_in(client)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "user-blocked"
    assert db.scalar(sa.select(sa.func.count()).select_from(LoginSession)) == 0
    assert people.log_in(client, password="wrong-horse").json()["errors"][0]["code"] == "wrong-credentials"


def test_logins_of_one_account_are_limited(client: Any) -> None:
    people.sign_up(client)
    answers = [people.log_in(client, password="wrong-horse").status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]
    right = people.log_in(client)
    assert right.status_code == 429
    assert 0 < int(right.headers["Retry-After"]) <= 900
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        assert people.log_in(client).status_code == 200


def test_a_good_login_forgets_the_failures(client: Any) -> None:
    people.sign_up(client)
    for _ in range(3):
        for _ in range(9):
            assert people.log_in(client, password="wrong-horse").status_code == 401
        assert people.log_in(client).status_code == 200


def test_logins_from_one_address_are_limited(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        limits,
        "_limits",
        limits.Limits(**{**vars(limits.limits()), "login_from_address": limits.Limit("a", 2, limits.HOUR)}),
    )
    here = {"X-Client-Address": "203.0.113.7"}
    body = {"username": "bob@example.com", "password": "wrong-horse"}
    answers = [client.post("/auth/session", json={**body, "username": f"{n}@x.org"}, headers=here) for n in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    elsewhere = {"X-Client-Address": "203.0.113.8"}
    assert client.post("/auth/session", json=body, headers=elsewhere).status_code == 401


def test_a_hash_with_lower_parameters_is_renewed_at_login(
    client: Any, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.sign_up(client)
    before = db.scalar(sa.select(User.password_hash))
    stronger = replace(config.current(), password_passes=2)
    hashing.configure(stronger)
    try:
        assert people.log_in(client).status_code == 200
        db.rollback()
        after = db.scalar(sa.select(User.password_hash))
        assert ",t=1," in before
        assert ",t=2," in after
        assert people.log_in(client).status_code == 200
    finally:
        hashing.configure(config.current())


def test_logins_wait_for_a_place_and_are_turned_away_politely(client: Any) -> None:
    people.sign_up(client)
    narrow = replace(config.current(), password_hashers=1, password_wait_seconds=0.01)
    hashing.configure(narrow)
    try:
        with hashing._place():
            answer = people.log_in(client)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "2"
        assert people.log_in(client).status_code == 200
    finally:
        hashing.configure(config.current())


def test_a_fresh_login_gives_a_fresh_token_of_the_same_session(client: Any) -> None:
    ann = people.somebody(client)
    stale = refreshed(client, ann.refresh_token)["access_token"]
    assert claims_of(stale)["fresh"] is False
    answer = client.with_token(stale).post(
        "/v1/auth/fresh-login", json={"email": "ann@example.com", "password": PASSWORD}
    )
    assert answer.status_code == 200
    fresh = claims_of(answer.json()["access_token"])
    assert fresh["fresh"] is True
    assert fresh["sid"] == claims_of(ann.access_token)["sid"]
    assert fresh["csrf"] == claims_of(stale)["csrf"]


def test_a_fresh_login_with_somebody_elses_password_is_refused(client: Any) -> None:
    ann, bob = people.somebody(client), people.somebody(client, "bob@example.com")
    body = {"email": bob.email, "password": PASSWORD}
    assert ann.client.post("/v1/auth/fresh-login", json=body).status_code == 403


def refreshed(client: Any, token: str) -> dict[str, str]:
    answer = client.with_token(token, "JWT").post("/v1/auth/token/refresh")
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def test_logging_out_ends_the_session_at_once(client: Any, published: Any) -> None:
    ann = people.somebody(client)
    assert ann.client.post("/v1/auth/logout").json() == {"success": True}
    answer = ann.client.get(ann.path)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "session-ended"
    assert client.with_token(ann.refresh_token).post("/v1/auth/token/refresh").status_code == 401
    [message] = published(pb.SessionsEnded)
    assert message.session_id == claims_of(ann.access_token)["sid"]


def test_logging_out_ends_one_session_only(client: Any) -> None:
    ann = people.somebody(client)
    other = people.log_in(client).json()["access_token"]
    ann.client.post("/v1/auth/logout", json={"refresh_token": ann.refresh_token})
    assert client.with_token(other).get(ann.path).status_code == 200


@pytest.mark.parametrize("header", ["", "JWT nonsense", "Basic abc", "JWT"])
def test_logging_out_always_succeeds(client: Any, header: str, published: Any) -> None:
    answer = client.post("/v1/auth/logout", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert published() == []


def test_an_expired_token_still_logs_out(client: Any, db: Any) -> None:
    ann = people.somebody(client)
    with clock.freeze(clock.now() + timedelta(hours=1)):
        assert ann.client.post("/v1/auth/logout").status_code == 200
    assert db.scalar(sa.select(LoginSession.ended_at)) is not None


def test_logging_out_everywhere(client: Any, published: Any) -> None:
    ann = people.somebody(client)
    other = people.log_in(client).json()
    assert ann.client.post("/v1/auth/blacklist").json() == {"success": True}
    for token in (ann.access_token, other["access_token"]):
        assert client.with_token(token).get(ann.path).status_code == 401
    assert client.with_token(other["refresh_token"]).post("/v1/auth/token/refresh").status_code == 401
    assert published(pb.SessionsEnded)[-1].session_id == ""
    again = people.log_in(client).json()["access_token"]
    assert client.with_token(again).get(ann.path).status_code == 200


def test_an_ended_session_is_told_to_verifiers_that_ask_later(client: Any) -> None:
    ann = people.somebody(client)
    ann.client.post("/v1/auth/logout")
    _, ended = start.fetch_keys()
    assert [(user_id, session_id) for user_id, session_id, _ in ended] == [(ann.id, claims_of(ann.access_token)["sid"])]
