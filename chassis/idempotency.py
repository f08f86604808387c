"""The first answer, kept per Idempotency-Key for a day: same request, same answer (promise 6).

Before a handler runs, a stored answer is given again. The handler ends its transaction with `answered(...)`, which stores
key and answer together with the effect: either all of it exists or nothing. Two equal requests at once therefore have one
effect: the second one collides on the key (or on what the first one took), is rolled back and gets the first answer.

5xx, 429 and `/auth/*` answers are never kept, nor is "wait" (409 with Retry-After).
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import flask
from sqlalchemy import Column, DateTime, Index, Integer, LargeBinary, String, Table, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from chassis import clock, db, tables
from chassis.errors import BadRequest, Unprocessable
from chassis.responses import JSON_API, respond

KEPT = timedelta(hours=24)
UNSAFE = frozenset({"POST", "PATCH", "PUT", "DELETE"})
NEVER_KEPT = frozenset({401, 408, 425, 429})
KEPT_HEADERS = ("Location", "ETag")

answers = Table(
    "idempotency",
    tables.metadata,
    Column("caller", String(40), primary_key=True),
    Column("method", String(8), primary_key=True),
    Column("path", String(500), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("status", Integer, nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("headers", postgresql.JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("ix_idempotency_created_at", "created_at"),
)

# Asks for the age twice: a row may be taken by a new request after it was chosen.
_FORGET = """
DELETE FROM idempotency WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM idempotency WHERE created_at < %(before)s ORDER BY created_at LIMIT %(limit)s
)) AND created_at < %(before)s RETURNING 1
"""


class KeyReused(Unprocessable):
    code = "idempotency-key-reused"


class Replay(Exception):
    """Another request with this key was first; its answer is ours."""


_fingerprint_key = b""


def configure(secret: str) -> None:
    """Keys the fingerprints: a body may hold a password, which a stolen table must not let anybody try out."""
    global _fingerprint_key
    _fingerprint_key = hashlib.sha256(b"idempotency " + secret.encode()).digest()


def answered(
    session: Session,
    document: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    media_type: str = JSON_API,
) -> flask.Response:
    """The answer, stored in the caller's transaction when the request carries an Idempotency-Key.

    The last line of every unsafe handler's transaction block. Raises Replay when an equal request was first: the
    transaction rolls back, and the app gives that answer.
    """
    answer = respond(document, status, headers, media_type=media_type)
    if flask.has_request_context() and (scope := flask.g.get("idempotency")) is not None:
        if not _store(session, scope, answer):
            raise Replay
        flask.g.idempotency_stored = True
    return answer


def amended(
    session: Session, document: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> flask.Response:
    """The answer that takes the place of the one stored before, once more is known: a remote call came after the commit."""
    answer = respond(document, status, headers)
    if flask.has_request_context() and (scope := flask.g.get("idempotency")) is not None:
        key = [answers.c[name] == scope[name] for name in ("caller", "method", "path", "key", "fingerprint")]
        session.execute(update(answers).where(*key).values(_fields(answer)))
    return answer


def begin(caller: str) -> flask.Response | None:
    """Notes this request's key, and answers it when it was answered before.

    Raises BadRequest for an unusable key, KeyReused (422) when the key came with another body.
    """
    key = flask.request.headers.get("Idempotency-Key")
    if key is None or flask.request.method not in UNSAFE or "/auth/" in flask.request.path:
        return None
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise BadRequest("Idempotency-Key must be 1 to 255 printable characters.", source={"header": "Idempotency-Key"})
    if len(flask.request.path) > 500:
        raise BadRequest("The path is too long for an Idempotency-Key.")
    fingerprint = hmac.digest(_fingerprint_key, flask.request.query_string + b"\n" + flask.request.get_data(), "sha256")
    flask.g.idempotency = {
        "caller": caller,
        "method": flask.request.method,
        "path": flask.request.path,
        "key": key,
        "fingerprint": fingerprint,
    }
    return replayed()


def replayed() -> flask.Response | None:
    """The stored answer to this request, if there is one by now."""
    scope = flask.g.get("idempotency")
    if scope is None:
        return None
    with db.transaction() as session:
        row = session.execute(
            select(answers).where(
                answers.c.caller == scope["caller"],
                answers.c.method == scope["method"],
                answers.c.path == scope["path"],
                answers.c.key == scope["key"],
                answers.c.created_at > clock.now() - KEPT,
            )
        ).first()
    if row is None:
        return None
    if row.fingerprint != scope["fingerprint"]:
        raise KeyReused(
            "This Idempotency-Key was used for another request. Use a new key for a new request.",
            source={"header": "Idempotency-Key"},
        )
    answer = flask.Response(row.body, status=row.status, content_type=row.media_type)
    answer.headers.update({**row.headers, "Idempotent-Replayed": "true"})
    flask.g.idempotency_stored = True
    return answer


def keep_refusal(answer: flask.Response) -> None:
    """Stores a refusal (4xx) that no transaction could store, so that the same request is refused the same way."""
    scope = flask.g.get("idempotency")
    if scope is None or flask.g.get("idempotency_stored"):
        return
    is_refusal = 400 <= answer.status_code < 500 and answer.status_code not in NEVER_KEPT
    if is_refusal and "Retry-After" not in answer.headers:
        with db.transaction() as session:
            _store(session, scope, answer)


def forget_old(session: Session, limit: int) -> int:
    """Deletes some of the answers that are older than a day; how many."""
    return len(db.execute(session, _FORGET, {"before": clock.now() - KEPT, "limit": limit}))


def _store(session: Session, scope: Mapping[str, Any], answer: flask.Response) -> bool:
    """Whether this answer is the first one; a forgotten day-old row makes room."""
    fields = {"fingerprint": scope["fingerprint"], **_fields(answer)}
    statement = (
        postgresql.insert(answers)
        .values({**scope, **fields})
        .on_conflict_do_update(
            index_elements=["caller", "method", "path", "key"],
            set_=fields,
            where=answers.c.created_at < clock.now() - KEPT,
        )
        .returning(answers.c.status)
    )
    return session.execute(statement).scalar() is not None


def _fields(answer: flask.Response) -> dict[str, Any]:
    return {
        "status": answer.status_code,
        "media_type": answer.content_type or JSON_API,
        "headers": {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers},
        "body": answer.get_data(),
        "created_at": clock.now(),
    }
