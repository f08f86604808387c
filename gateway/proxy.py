"""Forwards a request to the service that owns its path, and brings the answer back.

A service that cannot be reached is a 503 with Retry-After. Nothing is sent twice unless nothing was sent at all: a refused
connection is tried again for a second, which bridges a restart; a connection that breaks later is the caller's to retry,
safely with the same Idempotency-Key.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDict
from starlette.types import Scope
from yarl import URL

from chassis import context
from chassis.errors import Unavailable

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer trailers transfer-encoding upgrade host"
    b" content-length cookie traceparent x-request-id x-client-address x-forwarded-for forwarded expect accept-encoding".split()
)
NOT_PASSED_BACK = frozenset(
    "connection keep-alive transfer-encoding content-length server date x-request-id content-encoding".split()  # noqa: SIM905
)
CONDITIONS = frozenset({b"if-none-match", b"if-modified-since"})
CONNECT_ATTEMPTS = 6


@dataclass(frozen=True)
class Answer:
    """What a service answered, whole. `headers` in lower case, without those of one connection and without the length."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    content: bytes

    def header(self, name: str) -> str | None:
        """The value of a header, None where there is none."""
        wanted = name.encode()
        return next((value.decode("latin-1") for each, value in self.headers if each == wanted), None)


class Proxy:
    """One connection pool to all services. `upstreams`: service name to base URL."""

    def __init__(self, upstreams: Mapping[str, str], timeout_seconds: float) -> None:
        self._upstreams = upstreams
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, connect=2)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(
        self, service: str, scope: Scope, body: bytes, client_address: str, *, unconditionally: bool = False
    ) -> Answer:
        """Sends the request on and waits for the whole answer; `unconditionally`: an answer with a body, whatever the
        caller has already. Raises Unavailable when the service does not answer.
        """
        left_out = HOP_BY_HOP | CONDITIONS if unconditionally else HOP_BY_HOP
        async with await self._send(service, scope, body, client_address, left_out) as answer:
            try:
                content = await answer.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                raise _lost(service) from error
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers.items()
            if name.lower() not in NOT_PASSED_BACK
        ]
        return Answer(answer.status, headers, content)

    async def _send(
        self, service: str, scope: Scope, body: bytes, client_address: str, left_out: frozenset[bytes]
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            # Containers that restart get other addresses, and theirs go to others: names are looked up anew each second.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30, ttl_dns_cache=1)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        path = scope.get("raw_path") or scope["path"].encode()
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        url = URL(self._upstreams[service] + (path + query).decode("latin-1"), encoded=True)
        headers: CIMultiDict[str] = CIMultiDict()
        for name, value in scope["headers"]:
            if name not in left_out and b"_" not in name:  # to WSGI `_` is `-`: it could pass for any of ours
                headers.add(name.decode("latin-1"), value.decode("latin-1"))
        headers["X-Request-Id"] = context.request_id.get()
        headers["X-Client-Address"] = client_address
        if traceparent := context.traceparent.get():
            headers["traceparent"] = traceparent
        for attempt in range(1, CONNECT_ATTEMPTS + 1):
            try:
                return await self._session.request(
                    scope["method"], url, headers=headers, data=body or None, allow_redirects=False
                )
            except aiohttp.ClientConnectorError as error:
                if attempt == CONNECT_ATTEMPTS:
                    raise _down(service) from error
                await asyncio.sleep(0.05 * 2 ** (attempt - 1) / 2)
            except aiohttp.ConnectionTimeoutError as error:  # nothing was sent; and it has taken long enough
                raise _down(service) from error
            except (aiohttp.ClientError, TimeoutError) as error:
                raise _lost(service) from error
        raise AssertionError("unreachable")


def _down(service: str) -> Unavailable:
    return Unavailable(
        f"The {service} service does not answer right now. Nothing was changed; please try again.",
        code="service-unavailable",
        meta={"service": service},
    )


def _lost(service: str) -> Unavailable:
    return Unavailable(
        f"The {service} service did not answer in time. Whether it did its work is not known: "
        "repeat the request with the same Idempotency-Key, or look first.",
        code="answer-lost",
        meta={"service": service},
    )
