"""What a call is and how it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from starlette.responses import Response

from local.fakes.books import Books, Document
from local.fakes.faults import Fault


@dataclass
class Call:
    """A call as the work sees it: allowed, read, and its idempotency key not used before."""

    books: Books
    params: Document
    path: Mapping[str, str]
    base_url: str
    fault: Fault | None

    @property
    def decline(self) -> Fault | None:
        """Set when somebody asked that this call be declined."""
        return self.fault if self.fault and self.fault.fault == "decline" else None


@dataclass
class Answer:
    """A document goes out as JSON, a string as a page. A `kept` answer is given again to the same idempotency key."""

    status: int
    body: Document | str | bytes
    headers: dict[str, str] = field(default_factory=dict)
    kept: bool = True

    def content(self) -> bytes:
        if isinstance(self.body, dict):
            return orjson.dumps(self.body)
        return self.body.encode() if isinstance(self.body, str) else self.body

    def response(self) -> Response:
        kind = "text/html; charset=utf-8" if isinstance(self.body, str) else "application/json"
        return Response(self.content(), self.status, {"content-type": kind, **self.headers})


class Refusal(Exception):
    """Raised by the work: this answer goes out and nothing is written."""

    def __init__(self, status: int, body: Document, *, kept: bool = False) -> None:
        super().__init__(body)
        self.answer = Answer(status, body, kept=kept)
