"""The two thread pools of the way into Flask."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

from starlette.types import Message

from chassis.wsgi import OneHop

OK = "200 OK"


class Waiters:
    """A WSGI application whose ``/wait`` answers when `release` is set; it counts who is inside."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.inside = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/wait":
            self.inside.release()
            assert self.release.wait(10)
        start_response(OK, [("Content-Type", "text/plain")])
        return [b"done"]


async def ask(hop: OneHop, path: str, operation: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> int:
    """The status of one request that was routed to this operation."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": list(headers),
        "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "root_path": "",
        "extensions": {"connexion_routing": {"operation_id": operation}},
    }  # fmt: skip
    await hop(scope, receive, send)
    return int(sent[0]["status"])


async def crowd(hop: OneHop, app: Waiters, operation: str) -> None:
    """Two requests wait inside; a third, of a quick operation, is answered all the same."""
    waiting = [asyncio.create_task(ask(hop, "/wait", operation)) for _ in range(2)]
    try:
        for _ in waiting:
            assert await asyncio.to_thread(app.inside.acquire, timeout=5)
        assert await asyncio.wait_for(ask(hop, "/quick", "quick"), 2) == 200
    finally:
        app.release.set()
        assert await asyncio.gather(*waiting) == [200, 200]


def test_who_waits_for_somebody_outside_holds_up_nobody_else() -> None:
    app = Waiters()
    hop = OneHop(app, threads=1, waiting={"charge"}, waiting_threads=2)
    asyncio.run(crowd(hop, app, "charge"))


def test_waiting_requests_are_bounded_by_their_own_threads() -> None:
    app = Waiters()
    hop = OneHop(app, threads=1, waiting={"charge"}, waiting_threads=1)

    async def scenario() -> None:
        tasks = [asyncio.create_task(ask(hop, "/wait", "charge")) for _ in range(2)]
        assert await asyncio.to_thread(app.inside.acquire, timeout=5)
        assert not await asyncio.to_thread(app.inside.acquire, timeout=0.2)
        app.release.set()
        assert await asyncio.gather(*tasks) == [200, 200]

    asyncio.run(scenario())


def test_a_header_with_an_underscore_is_not_taken_for_one_with_a_dash() -> None:
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.update(environ)
        start_response(OK, [])
        return []

    headers = [(b"x-client-address", b"1.2.3.4"), (b"x_client_address", b"6.6.6.6"), (b"if_none_match", b"*")]
    asyncio.run(ask(OneHop(app, threads=1), "/", "quick", headers))
    assert seen["HTTP_X_CLIENT_ADDRESS"] == "1.2.3.4"
    assert "HTTP_IF_NONE_MATCH" not in seen
