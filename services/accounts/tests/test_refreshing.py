"""Exchanging refresh tokens."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
import sqlalchemy as sa

from chassis import clock
from proto.accounts import accounts_pb2 as pb
from services.accounts.models import LoginSession, RefreshToken
from services.accounts.tests import people

REFRESH = "/v1/auth/token/refresh"


def refresh(client: Any, token: str, *, csrf: str | None = None) -> Any:
    return client.with_token(token, "JWT").post(REFRESH, headers={"X-CSRF-Token": csrf} if csrf else {})


def csrf_of(token: str) -> str:
    found: str = jwt.decode(token, options={"verify_signature": False})["csrf"]
    return found


def later(seconds: float) -> Any:
    return clock.freeze(clock.now() + timedelta(seconds=seconds))


def test_a_refresh_token_gives_new_tokens(client: Any) -> None:
    ann = people.somebody(client)
    answer = refresh(client, ann.refresh_token)
    assert answer.status_code == 200
    tokens = answer.json()
    assert tokens["refresh_token"] != ann.refresh_token
    assert client.with_token(tokens["access_token"]).get(ann.path).status_code == 200


def test_the_token_may_come_in_the_body(client: Any) -> None:
    ann = people.somebody(client)
    assert client.post(REFRESH, json={"refresh_token": ann.refresh_token}).status_code == 200


def test_an_access_token_refreshes_nothing(client: Any) -> None:
    ann = people.somebody(client)
    assert refresh(client, ann.access_token).status_code == 401


def test_a_token_that_names_a_key_which_cannot_be_refreshes_and_ends_nothing(client: Any) -> None:
    forged = jwt.encode({"sub": "1"}, "x" * 32, algorithm="HS256", headers={"kid": "a\x00"})
    assert refresh(client, forged).status_code == 401
    assert client.with_token(forged, "JWT").post("/v1/auth/logout").status_code == 200


def test_a_rotated_token_repeats_its_successor_for_half_a_minute(client: Any) -> None:
    ann = people.somebody(client)
    first = refresh(client, ann.refresh_token).json()
    with later(29):
        second = refresh(client, ann.refresh_token)
    assert second.json()["refresh_token"] == first["refresh_token"]
    assert second.json()["access_token"] == first["access_token"]


def test_a_chain_of_refreshes_within_half_a_minute_harms_nobody(client: Any) -> None:
    ann = people.somebody(client)
    second = refresh(client, ann.refresh_token).json()["refresh_token"]
    third = refresh(client, second).json()["refresh_token"]
    assert refresh(client, ann.refresh_token).json()["refresh_token"] == second
    assert refresh(client, second).json()["refresh_token"] == third
    assert refresh(client, third).status_code == 200


def test_a_token_used_again_later_ends_the_session(client: Any, db: Any, published: Any) -> None:
    ann = people.somebody(client)
    successor = refresh(client, ann.refresh_token).json()
    with later(31):
        stolen = refresh(client, ann.refresh_token)
        assert stolen.status_code == 401
        assert stolen.json()["errors"][0]["code"] == "session-ended"
        assert refresh(client, successor["refresh_token"]).status_code == 401
    assert client.with_token(successor["access_token"]).get(ann.path).status_code == 401
    assert db.scalar(sa.select(LoginSession.ended_at)) is not None
    assert len(published(pb.SessionsEnded)) == 1


def test_other_sessions_stay_when_one_is_ended(client: Any) -> None:
    ann = people.somebody(client)
    other = people.log_in(client).json()
    refresh(client, ann.refresh_token)
    with later(31):
        assert refresh(client, ann.refresh_token).status_code == 401
        assert refresh(client, other["refresh_token"]).status_code == 200


def test_a_client_that_keeps_its_first_refresh_token_shows_the_newest_csrf(client: Any) -> None:
    ann = people.somebody(client)
    access = ann.access_token
    for round_ in range(1, 5):
        with later(780 * round_):
            answer = refresh(client, ann.refresh_token, csrf=csrf_of(access))
        assert answer.status_code == 200
        access = answer.json()["access_token"]


def test_an_old_csrf_with_an_old_refresh_token_ends_the_session(client: Any) -> None:
    ann = people.somebody(client)
    first = refresh(client, ann.refresh_token, csrf=csrf_of(ann.access_token)).json()
    with later(31):
        assert refresh(client, ann.refresh_token, csrf=csrf_of(ann.access_token)).status_code == 401
        assert refresh(client, ann.refresh_token, csrf=csrf_of(first["access_token"])).status_code == 401


def test_a_session_ends_after_its_days_however_often_it_is_refreshed(client: Any) -> None:
    ann = people.somebody(client)
    with later(29 * 86400):
        token = refresh(client, ann.refresh_token).json()["refresh_token"]
    with later(31 * 86400):
        assert refresh(client, token).status_code == 401


@pytest.mark.parametrize("change", [{"is_blocked": True}, {"deleted_at": sa.func.now()}])
def test_the_blocked_and_the_deleted_get_no_new_tokens(client: Any, change: dict[str, Any]) -> None:
    ann = people.somebody(client)
    people.set_flags(ann.id, **change)
    assert refresh(client, ann.refresh_token).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_nonsense_is_refused(client: Any, token: str) -> None:
    answer = client.post(REFRESH, headers={"Authorization": f"JWT {token}"})
    assert answer.status_code == 401
    assert answer.json()["error"]


def test_a_token_signed_by_a_stranger_is_refused(client: Any) -> None:
    ann = people.somebody(client)
    header = jwt.get_unverified_header(ann.refresh_token)
    payload = jwt.decode(ann.refresh_token, options={"verify_signature": False})
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    forged = jwt.encode(payload, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": header["kid"]})
    assert refresh(client, forged).status_code == 401
    assert refresh(client, ann.refresh_token).status_code == 200


def test_only_what_can_be_asked_for_again_is_kept(client: Any, db: Any) -> None:
    ann = people.somebody(client)
    token = ann.refresh_token
    for round_ in range(1, 6):
        with later(60 * round_):
            token = refresh(client, token).json()["refresh_token"]
    assert db.scalar(sa.select(sa.func.count()).select_from(RefreshToken)) == 2
