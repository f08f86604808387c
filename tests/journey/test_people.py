"""People, through the gateway: what ends a login ends it in every service, and what is forgotten is forgotten everywhere."""

from typing import Any

import jwt
import pytest

from local.api import Api
from tests.journey.stage import PASSWORD, Stage, eventually


def log_in(stage: Stage, address: str, password: str = PASSWORD) -> dict[str, Any]:
    return stage.nobody.call("POST", "/auth/session", json={"username": address, "password": password})


def statuses(api: Api, user_id: Any, access_token: str) -> set[int]:
    """What three services say to this token."""
    header = {"Authorization": f"JWT {access_token}"}
    paths = (f"/v1/users/{user_id}", f"/v1/users/{user_id}/events", f"/v1/users/{user_id}/orders")
    return {api.send("GET", path, headers=header).status_code for path in paths}


def test_a_reset_password_ends_every_login_in_every_service(stage: Stage) -> None:
    person = stage.person()
    tokens = log_in(stage, person.address)
    assert statuses(stage.nobody, person.user_id, tokens["access_token"]) == {200}
    stage.nobody.call("POST", "/v1/auth/reset-password", json={"data": {"email": person.address}})
    token = stage.token_in(stage.mail_to(person.address, "new password"))
    stage.nobody.call("PATCH", "/v1/auth/reset-password", json={"data": {"token": token, "password": "battery-staple"}})
    eventually(
        lambda: statuses(stage.nobody, person.user_id, tokens["access_token"]) == {401},
        within_seconds=5,
        what="the end of the session",
    )
    renewed = log_in(stage, person.address, "battery-staple")
    assert statuses(stage.nobody, person.user_id, renewed["access_token"]) == {200}


@pytest.mark.parametrize("change", [{"is-blocked": True}, {"is-admin": False}])
def test_the_blocked_and_the_demoted_are_out_at_once(stage: Stage, change: dict[str, bool]) -> None:
    person = stage.person()
    path = f"/v1/users/{person.user_id}"
    stage.admin.change(path, "user", str(person.user_id), {"is-admin": True})
    tokens = log_in(stage, person.address)
    assert (
        stage.nobody.send("GET", "/v1/users", headers={"Authorization": f"Bearer {tokens['access_token']}"}).status_code
        == 200
    )
    stage.admin.change(path, "user", str(person.user_id), change)
    eventually(
        lambda: statuses(stage.nobody, person.user_id, tokens["access_token"]) == {401},
        within_seconds=5,
        what="the end of the session",
    )


def test_a_client_that_keeps_its_first_refresh_token_stays_logged_in(stage: Stage) -> None:
    person = stage.person()
    tokens = log_in(stage, person.address)
    access = tokens["access_token"]
    for _ in range(3):
        csrf = jwt.decode(access, options={"verify_signature": False})["csrf"]
        answer = stage.nobody.call(
            "POST",
            "/v1/auth/token/refresh",
            json={"refresh_token": tokens["refresh_token"]},
            headers={"Authorization": f"JWT {tokens['refresh_token']}", "X-CSRF-Token": csrf},
        )
        access = answer["access_token"]
    assert statuses(stage.nobody, person.user_id, access) == {200}
