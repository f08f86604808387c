"""Logging in and out. Plain JSON, as existing clients speak it here."""

from datetime import timedelta
from typing import Any

import flask

from chassis.auth import Claims
from chassis.db import run
from chassis.errors import Forbidden, Unauthorized
from chassis.responses import JSON, respond
from services.accounts import config, minting, queries
from services.accounts.api.credentials import read_credentials, verify
from services.accounts.commands import sessions
from services.accounts.minting import Tokens


def log_in(body: dict[str, Any]) -> flask.Response:
    """POST /auth/session and /v1/auth/login: both tokens, whatever `remember-me` says, since clients need them."""
    email, password = read_credentials(body)
    verified = verify(email, password)
    lifetime = timedelta(days=config.current().session_days)
    return _answer(run(lambda db: sessions.open_session(db, verified, lifetime)))


log_in_at_v1 = log_in_with_email = log_in  # one operation, three paths: each needs an operationId of its own


def log_in_freshly(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """POST /v1/auth/fresh-login: the same person shows the password once more and gets a fresh access token."""
    email, password = read_credentials(body)
    verified = verify(email, password)
    if verified.user_id != token_info.user_id:
        raise Forbidden("This is the password of somebody else.", code="other-user")
    tokens = run(lambda db: sessions.freshen(db, verified, token_info.session_id))
    return respond({"access_token": tokens.access}, media_type=JSON)


def refresh_token(body: dict[str, Any] | None = None) -> flask.Response:
    """POST /v1/auth/token/refresh: the refresh token comes in the Authorization header or in the body."""
    given = _shown_token(body)
    csrf = flask.request.headers.get("X-CSRF-Token", "")
    if not given:
        raise Unauthorized("A refresh token is needed.", code="refresh-token-missing")
    tokens = run(lambda db: sessions.refresh(db, minting.read(db, given), csrf))
    if tokens is None:
        raise sessions.SessionEnded
    return _answer(tokens)


def log_out(body: dict[str, Any] | None = None) -> flask.Response:
    """POST /v1/auth/logout: ends the session of the token that is shown, also when it has expired; else does nothing."""
    if given := _shown_token(body):
        try:
            run(lambda db: _end_session_of(db, given))
        except Unauthorized:
            return respond({"success": True}, media_type=JSON)
    return respond({"success": True}, media_type=JSON)


def log_out_everywhere(token_info: Claims) -> flask.Response:
    """POST /v1/auth/blacklist: all sessions of the caller end, this one too."""
    run(lambda db: sessions.end_sessions(db, token_info.user_id))
    return respond({"success": True}, media_type=JSON)


def _end_session_of(db: Any, token: str) -> None:
    shown = minting.read(db, token, kinds=("access", "refresh"), is_expired_fine=True)
    session = queries.lock_session(db, shown.session_id)
    if session is not None:
        sessions.end_session(db, session)


def _shown_token(body: Any) -> str:
    """The token in the body, which says exactly what is meant, or else in the header."""
    in_body = body.get("refresh_token") if isinstance(body, dict) else None
    if isinstance(in_body, str) and in_body:
        return in_body
    scheme, _, token = flask.request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("jwt", "bearer") else ""


def _answer(tokens: Tokens) -> flask.Response:
    document = {"access_token": tokens.access, "refresh_token": tokens.refresh}
    return respond(document, headers={"Cache-Control": "no-store"}, media_type=JSON)
