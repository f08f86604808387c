"""Answers, written once: bytes by orjson, with the media type that the operation promises."""

from collections.abc import Mapping, Sequence
from typing import Any

import flask
import orjson

from chassis.errors import DomainError

JSON_API = "application/vnd.api+json"
JSON = "application/json"


def respond(
    document: Any, status: int = 200, headers: Mapping[str, str] | None = None, *, media_type: str = JSON_API
) -> flask.Response:
    """A document as an answer. Helper endpoints that are plain JSON pass ``media_type=JSON``."""
    answer = flask.Response(orjson.dumps(document), status=status, content_type=media_type)
    if headers:
        answer.headers.update(headers)
    return answer


def error_document(errors: Sequence[DomainError]) -> dict[str, Any]:
    """The JSON:API document of these errors. A 401 also says it as `error`, which login forms show verbatim."""
    document: dict[str, Any] = {"errors": [error.as_error() for error in errors], "jsonapi": {"version": "1.0"}}
    if errors[0].status == 401:
        document["error"] = errors[0].detail
    return document
