"""The media type, and whether a caller takes it."""

import re

from chassis.errors import NotAcceptable
from chassis.responses import JSON_API

_RANGES = frozenset({"*/*", "application/*", JSON_API})
_REFUSED = re.compile(r"q=0(\.0*)?")


def negotiate(accept: str | None) -> None:
    """Raises NotAcceptable (406) when the Accept header excludes `application/vnd.api+json`; no header accepts all."""
    if not accept or accept in _RANGES:
        return
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if media in _RANGES and not any(_REFUSED.fullmatch(parameter) for parameter in parameters):
            return
    raise NotAcceptable(f"The answer is {JSON_API}, which the Accept header excludes.", source={"header": "Accept"})
