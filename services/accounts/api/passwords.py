"""Forgotten, changed and checked passwords; confirmed addresses. Plain JSON."""

from typing import Any

import flask

from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.errors import BadRequest
from chassis.responses import JSON, respond
from services.accounts import hashing, queries
from services.accounts.api.callers import client_address
from services.accounts.api.credentials import verify_own
from services.accounts.commands import mail_tokens, passwords, people
from services.accounts.commands.passwords import InvalidResetToken
from services.accounts.commands.sessions import WrongCredentials
from services.accounts.domain.emails import key_of, read_address
from services.accounts.domain.passwords import read_new_password
from services.accounts.limits import limits, take
from services.accounts.models import User


def verify_email(body: dict[str, Any]) -> flask.Response:
    """POST /v1/auth/verify-email."""
    token = _text(body, "token")
    run(lambda db: people.verify_email(db, token))
    return respond({"message": "Email Verified"}, media_type=JSON)


def resend_verification(body: dict[str, Any]) -> flask.Response:
    """POST /v1/auth/resend-verification-email: the same answer whether or not the address exists or is verified."""
    email = _limited_email(body)
    with transaction() as db:
        user = queries.living_user(db, email)
        if user is not None and not user.is_verified:
            people.mail_verification(db, user)
    return respond(
        {"message": "If this address is waiting for it, a verification mail is on its way."}, media_type=JSON
    )


def ask_reset(body: dict[str, Any]) -> flask.Response:
    """POST /v1/auth/reset-password: the same answer whether or not the address exists."""
    email = _limited_email(body)
    with transaction() as db:
        passwords.ask_reset(db, email)
    return respond({"message": "If we know this address, a mail with a link is on its way."}, media_type=JSON)


def reset(body: dict[str, Any]) -> flask.Response:
    """PATCH /v1/auth/reset-password. The token is looked at before the work of a hash, and used up after it."""
    token = _text(body, "token")
    password = read_new_password(_data(body).get("password"), "/data/password")
    with transaction() as db:
        if not queries.is_open(db, mail_tokens.RESET, mail_tokens.digest(token)):
            raise InvalidResetToken
    password_hash = hashing.hash_password(password)
    return respond(_person(run(lambda db: passwords.reset(db, token, password_hash))), media_type=JSON)


def change(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """POST /v1/auth/change-password. The old password, given here, says what a fresh token would say."""
    new_password = read_new_password(_data(body).get("new-password"), "/data/new-password")
    old_password = _text(body, "old-password")
    try:
        verified = verify_own(token_info.user_id, old_password)
    except WrongCredentials:
        raise BadRequest(
            "The old password is wrong.", code="wrong-password", source={"pointer": "/data/old-password"}
        ) from None
    if hashing.matches(verified.password_hash, new_password):
        raise BadRequest(
            "The new password is the old one.", code="password-unchanged", source={"pointer": "/data/new-password"}
        )
    new_hash = hashing.hash_password(new_password)

    def work(db: Any) -> User:
        return passwords.change(
            db, token_info.user_id, verified.password_hash, new_hash, session_id=token_info.session_id
        )

    return respond({**_person(run(work)), "password-changed": True}, media_type=JSON)


def check(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """POST /v1/auth/verify-password: whether this is the caller's password."""
    given = _data(body).get("password") or body.get("password")
    if not isinstance(given, str) or not given:
        raise BadRequest("A password is needed.", code="password-missing", source={"pointer": "/password"})
    try:
        verify_own(token_info.user_id, given)
    except WrongCredentials:
        return respond({"result": False}, media_type=JSON)
    return respond({"result": True}, media_type=JSON)


def _limited_email(body: Any) -> str:
    """An address that a mail was asked for. Counted whether or not it exists, so that the limit tells nothing either."""
    email = read_address(_text(body, "email"), "/data/email").text
    take(limits().mail_from_address, client_address())
    take(limits().mail_to_account, key_of(email))
    return email


def _data(body: Any) -> dict[str, Any]:
    data = body.get("data") if isinstance(body, dict) else None
    return data if isinstance(data, dict) else {}


def _text(body: Any, name: str) -> str:
    given = _data(body).get(name)
    if not isinstance(given, str) or not given:
        raise BadRequest(f"“{name}” is needed.", code=f"{name}-missing", source={"pointer": f"/data/{name}"})
    return given


def _person(user: User) -> dict[str, str]:
    return {"id": str(user.id), "email": user.email, "name": user.full_name}
