"""Weak ETags: the same body, the same tag. `If-Match` is looked at before anything is written."""

from collections.abc import Callable
from hashlib import blake2b

import flask

from chassis.errors import PreconditionFailed


def etag(body: bytes) -> str:
    """The weak ETag of a body."""
    return f'W/"{blake2b(body, digest_size=16).hexdigest()}"'


def is_named(header: str, tag: str) -> bool:
    """Whether an If-Match or If-None-Match header names the tag; W/ makes no difference."""
    return header.strip() == "*" or tag.removeprefix("W/") in (
        part.strip().removeprefix("W/") for part in header.split(",")
    )


def require_match(current_body: Callable[[], bytes]) -> None:
    """Raises PreconditionFailed (412) when this request's If-Match names another version than the current one."""
    if_match = flask.request.headers.get("If-Match") if flask.has_request_context() else None
    if if_match is None or if_match.strip() == "*":
        return
    if not is_named(if_match, etag(current_body())):
        raise PreconditionFailed(
            "This has changed since you read it. Nothing was saved; please read it again.",
            source={"header": "If-Match"},
        )
