"""The gateway as an ASGI application: find the route, check the caller, count, bound, forward."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import orjson
from starlette.types import Message, Receive, Scope, Send

from chassis import auth
from chassis.auth import Claims
from chassis.errors import DomainError, MethodNotAllowed, NotFound
from chassis.responses import JSON_API, error_document
from chassis.validation import read_body
from gateway.cors import Cors, Headers
from gateway.kept import KeptAnswers, may_keep
from gateway.limits import RateLimit
from gateway.proxy import Answer, Proxy
from gateway.routing import Route, RoutingTable

log = logging.getLogger(__name__)
SECURITY_HEADERS: Headers = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
VARY = (b"vary", b"Authorization, Accept")
BODILESS = frozenset({204, 304})
SAFE = frozenset({"GET", "HEAD"})
PAGE_POLICY = b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


@dataclass(frozen=True)
class Gateway:
    """Everything a request meets here. `assets`: pages of our own, path to media type and bytes."""

    table: RoutingTable
    proxy: Proxy
    limit: RateLimit
    cors: Cors
    assets: Mapping[str, tuple[str, bytes]]
    trusted_proxies: int = 0
    kept: KeptAnswers = field(default_factory=KeptAnswers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.proxy.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope["headers"])
        extra = [*SECURITY_HEADERS, *self.cors.headers(given.get(b"origin"))]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        try:
            await self._handle(scope, given, receive, send_with_headers)
        except DomainError as error:
            await _refuse(send_with_headers, error)

    async def _handle(self, scope: Scope, given: Mapping[bytes, bytes], receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if path in self.assets and method in ("GET", "HEAD"):
            await self._page(path, send)
            return
        if method == "OPTIONS":
            preflight = self.cors.preflight(given.get(b"origin"), self.table.methods(path))
            await _answer(send, 204, b"", preflight)
            return
        route = self.table.find("GET" if method == "HEAD" else method, path)
        if route is None:
            raise self._nowhere(method, path)
        scope.setdefault("extensions", {})["connexion_routing"] = {"operation_id": route.operation_id}
        address = self._address(scope, given)
        claims = await self._check(route, given.get(b"authorization"))
        self.limit.take(route.rate, f"user {claims.user_id}" if claims and route.rate == "default" else address)
        ask = partial(self.proxy.ask, route.service, scope, await read_body(receive), address)
        answer = await self._ask(route, scope, given, ask)
        await _answer(send, answer.status, answer.content, [*answer.headers, *_said_to_caches(route, given, answer)])

    async def _ask(
        self, route: Route, scope: Scope, given: Mapping[bytes, bytes], ask: Callable[..., Awaitable[Answer]]
    ) -> Answer:
        method = scope["method"]
        if may_keep(route, method, given):
            return await self.kept.answer(route, scope, given, partial(ask, unconditionally=True))
        if method in SAFE:
            return await ask()
        is_refused = False
        try:
            answer = await ask()
            is_refused = 400 <= answer.status < 500
        finally:  # whether a lost answer changed something is not known
            if not is_refused:
                self.kept.forget(route.service)
        return answer

    async def _check(self, route: Route, header: bytes | None) -> Claims | None:
        """Verifying may fetch keys, which takes time: only a token that was verified before is checked at once."""
        text = header.decode("latin-1") if header else None
        if route.requirement.role is None or text is None or auth.keyring().remembers(text):
            return route.requirement.check(text)
        return await asyncio.get_running_loop().run_in_executor(None, route.requirement.check, text)

    def _nowhere(self, method: str, path: str) -> DomainError:
        if methods := self.table.methods(path):
            allowed = ", ".join(sorted(methods))
            return MethodNotAllowed(f"{method} is not possible here; {allowed} is.", headers={"Allow": allowed})
        return NotFound("There is nothing at this address. The documentation is at /docs.", code="no-such-path")

    def _address(self, scope: Scope, given: Mapping[bytes, bytes]) -> str:
        """The client's address: of the connection, or as the outermost of our trusted proxies saw it."""
        peer = scope["client"][0] if scope.get("client") else "unknown"
        if self.trusted_proxies:
            seen = [
                part.strip() for part in given.get(b"x-forwarded-for", b"").decode("latin-1").split(",") if part.strip()
            ]
            if len(seen) >= self.trusted_proxies:
                return seen[-self.trusted_proxies]
        return peer

    async def _page(self, path: str, send: Send) -> None:
        media_type, content = self.assets[path]
        headers: Headers = [(b"content-type", media_type.encode()), (b"content-security-policy", PAGE_POLICY)]
        await _answer(send, 200, content, headers)


def _said_to_caches(route: Route, given: Mapping[bytes, bytes], answer: Answer) -> Headers:
    """What a cache between the caller and us may do with the answer: the same as we do."""
    if not route.kept_seconds or answer.status not in (200, 304):
        return []
    if b"authorization" in given:
        return [(b"cache-control", b"private, no-cache"), VARY]
    return [(b"cache-control", f"public, max-age=0, s-maxage={route.kept_seconds:g}".encode()), VARY]


async def _refuse(send: Send, error: DomainError) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    content = orjson.dumps(error_document([error]))
    await _answer(send, error.status, content, [(b"content-type", JSON_API.encode()), *headers])


async def _answer(send: Send, status: int, content: bytes, headers: Headers) -> None:
    sized = headers if status in BODILESS else [*headers, (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": sized})
    await send({"type": "http.response.body", "body": content})
