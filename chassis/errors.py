"""Every refusal, once: what it is called in HTTP, in gRPC and in a JSON:API error object.

A rule raises one of the kinds below (or a named subclass with its own ``code``). The entrances turn it into an answer:
`chassis.app` into a JSON:API error document, `chassis.rpc` into a gRPC status that becomes the same error again on the
other side. A refusal is final: repeating the same request gives the same answer. `Unavailable` is the exception.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class DomainError(Exception):
    """A request that cannot be fulfilled, with a sentence that helps the person who reads it.

    `code` is stable and dashed, so that clients may compare it; `source` points at the cause as JSON:API says
    (``{"pointer": "/data/attributes/name"}`` or ``{"parameter": "filter"}``); `meta` holds figures that a client
    may want to compute with; `headers` go out with the HTTP answer.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Error"
    code: str = "error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        source: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code
        self.source = dict(source or {})
        self.meta = dict(meta or {})
        self.headers = dict(headers or {})

    def as_error(self) -> dict[str, Any]:
        """The JSON:API error object. `status` is a number, but "422" a string: existing clients compare them so."""
        error: dict[str, Any] = {
            "status": "422" if self.status == 422 else self.status,
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
        }
        if self.source:
            error["source"] = self.source
        if self.meta:
            error["meta"] = self.meta
        return error


class BadRequest(DomainError):
    status, title, code = 400, "Bad Request", "bad-request"


class Unauthorized(DomainError):
    status, title, code = 401, "Unauthorized", "unauthorized"


class Forbidden(DomainError):
    status, title, code = 403, "Forbidden", "forbidden"


class NotFound(DomainError):
    status, title, code = 404, "Not Found", "not-found"


class MethodNotAllowed(DomainError):
    status, title, code = 405, "Method Not Allowed", "method-not-allowed"


class NotAcceptable(DomainError):
    status, title, code = 406, "Not Acceptable", "not-acceptable"


class Conflict(DomainError):
    status, title, code = 409, "Conflict", "conflict"


class Gone(DomainError):
    status, title, code = 410, "Gone", "gone"


class PreconditionFailed(DomainError):
    status, title, code = 412, "Precondition Failed", "precondition-failed"


class PayloadTooLarge(DomainError):
    status, title, code = 413, "Payload Too Large", "payload-too-large"


class UnsupportedMediaType(DomainError):
    status, title, code = 415, "Unsupported Media Type", "unsupported-media-type"


class Unprocessable(DomainError):
    status, title, code = 422, "Unprocessable Entity", "unprocessable"


class TooManyRequests(DomainError):
    """Refused for now. `retry_after_seconds` travels as the Retry-After header."""

    status, title, code = 429, "Too Many Requests", "too-many-requests"

    def __init__(self, detail: str, *, retry_after_seconds: int = 60, **rest: Any) -> None:
        super().__init__(detail, **{"headers": {"Retry-After": str(retry_after_seconds)}, **rest})


class Unavailable(DomainError):
    """Something we need does not answer now; nothing was decided. The one error that is worth a retry."""

    status, title, code = 503, "Service Unavailable", "unavailable"

    def __init__(self, detail: str, *, retry_after_seconds: int = 2, **rest: Any) -> None:
        super().__init__(detail, **{"headers": {"Retry-After": str(retry_after_seconds)}, **rest})


KINDS: Mapping[int, type[DomainError]] = {
    kind.status: kind
    for kind in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        NotAcceptable,
        Conflict,
        Gone,
        PreconditionFailed,
        PayloadTooLarge,
        UnsupportedMediaType,
        Unprocessable,
        TooManyRequests,
        Unavailable,
    )
}
