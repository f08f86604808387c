"""Pictures: uploaded as data URLs, served as files."""

from typing import Any

import flask
from sqlalchemy import select

from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.errors import NotFound
from chassis.idempotency import answered
from chassis.responses import JSON
from services.events import media
from services.events.domain import pictures
from services.events.models import Medium

MOST_BYTES = 750_000  # what fits into a request of one megabyte as base64
FOREVER = "public, max-age=31536000, immutable"


def upload_image(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """POST: keeps a picture and answers its address."""
    user_id = token_info.user_id
    content_type, data = pictures.decode(body["data"], MOST_BYTES)
    return run(lambda db: answered(db, {"url": media.keep(db, user_id, content_type, data)}, media_type=JSON))


def get_media(name: str) -> flask.Response:
    """GET of a picture, which never changes."""
    headers = {"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff", "ETag": f'"{name}"'}
    with transaction() as db:
        found = db.scalars(select(Medium).where(Medium.name == name)).first()
    if found is None:
        raise NotFound("There is no such picture.")
    if flask.request.headers.get("If-None-Match") == headers["ETag"]:
        return flask.Response(status=304, headers=headers)
    return flask.Response(found.data, content_type=found.content_type, headers=headers)
