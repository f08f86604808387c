"""What every request meets first: its id, the size limit, the clock, and the operator's pages.

``/healthz`` says that the process lives, ``/readyz`` that it can do its work (with what is missing), ``/metrics`` is
Prometheus' text. They are answered here, before any routing.
"""

import logging
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import context, metrics, tracing
from chassis.errors import DomainError, PayloadTooLarge, Unavailable
from chassis.readiness import Checks, Readiness
from chassis.responses import JSON_API, error_document

log = logging.getLogger(__name__)
MAX_BODY_BYTES = 1_048_576
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LENGTH = re.compile(rb"[0-9]{1,20}")

Headers = Sequence[tuple[bytes, bytes]]

# Who restarts containers gives addresses away: a request for an api may reach a worker. Its sender shall try again.
_MISDIRECTED = Unavailable(
    "This process serves no requests. Nothing was changed; please try again.", code="misdirected"
)


class Front:
    """The outermost ASGI application of a process. `app` None: a worker that serves only the operator's pages."""

    def __init__(
        self, app: ASGIApp | None, checks: Checks, *, slow_seconds: float = 1.0, shows_metrics: bool = True
    ) -> None:
        self.app = app
        self.readiness = Readiness(checks)
        self.slow_seconds = slow_seconds
        self.pages = {"/healthz": self._health, "/readyz": self._ready}
        if shows_metrics:
            self.pages["/metrics"] = self._metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" and self.app is None:
            return
        if scope["type"] != "http":
            assert self.app is not None  # noqa: S101 (a worker gets no websocket)
            await self.app(scope, receive, send)
            return
        page = self.pages.get(scope["path"])
        if page is not None:
            await page(send)
        elif self.app is None:
            await _refuse(send, _MISDIRECTED)
        else:
            await self._serve(self.app, scope, receive, send)

    async def _serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        context.request_id.set(request_id)
        context.traceparent.set(tracing.accepted(headers.get(b"traceparent", b"").decode("latin-1")))
        extensions = scope.setdefault("extensions", {})  # shared with the copies of the scope that routing makes
        started = time.perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        span = tracing.span("request", "SERVER", http__request__method=scope["method"])
        try:
            with span:
                try:
                    await app(scope, _bounded(headers, receive), send_with_id)
                except DomainError as error:  # a body that grew too large while it was read
                    await _refuse(send_with_id, error)
                operation = _operation(extensions)
                span.rename(operation)
                span.note(http__response__status_code=status)
                if status >= 500:
                    span.fail(str(status))
        finally:
            seconds = time.perf_counter() - started
            operation = _operation(extensions)
            metrics.http_seconds.labels(scope["method"], operation, status).observe(seconds)
            if seconds > self.slow_seconds or status >= 500:
                fields = {
                    "method": scope["method"],
                    "operation": operation,
                    "status": status,
                    "seconds": round(seconds, 3),
                }
                log.warning("slow or failed request", extra=fields)

    async def _health(self, send: Send) -> None:
        await _answer(send, 200, b'{"status":"alive"}')

    async def _ready(self, send: Send) -> None:
        results = await self.readiness.results()
        is_ready = all(results.values())
        body = orjson.dumps({"status": "ready" if is_ready else "not ready", "checks": results})
        await _answer(send, 200 if is_ready else 503, body)

    async def _metrics(self, send: Send) -> None:
        await _answer(send, 200, generate_latest(), CONTENT_TYPE_LATEST)


def _operation(extensions: Mapping[str, Any]) -> str:
    return extensions.get("connexion_routing", {}).get("operation_id") or "unknown"


def _bounded(headers: Mapping[bytes, bytes], receive: Receive) -> Receive:
    declared = headers.get(b"content-length", b"0")
    if not _LENGTH.fullmatch(declared) or int(declared) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"A request may have {MAX_BODY_BYTES} bytes at most.")
    seen = 0

    async def read() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY_BYTES:
            raise PayloadTooLarge(f"A request may have {MAX_BODY_BYTES} bytes at most.")
        return message

    return read


async def _refuse(send: Send, error: DomainError) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    await _answer(send, error.status, orjson.dumps(error_document([error])), JSON_API, headers)


async def _answer(
    send: Send, status: int, body: bytes, media_type: str = "application/json", headers: Headers = ()
) -> None:
    described = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": described})
    await send({"type": "http.response.body", "body": body})
