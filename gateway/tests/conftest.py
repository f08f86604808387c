"""A gateway before a service that notes everything it sees."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from chassis import auth, serving
from chassis.front import Front
from chassis.testing import fetch_test_keys, sign
from gateway.app import Gateway
from gateway.cors import Cors
from gateway.limits import RateLimit
from gateway.proxy import Proxy
from gateway.routing import RoutingTable
from gateway.tests.test_routing import operation, spec
from local.ports import free_port

SPEC = spec(
    {
        "/v1/things": {
            "get": operation("list", security=[]),
            "post": operation("make"),
            "delete": operation("clear", security=[{"jwt": ["admin"]}]),
        },
        "/v1/login": {"post": {**operation("login", security=[]), "x-rate": "auth"}},
        "/v1/shop": {
            "get": {**operation("shop", security=[{}, {"jwt": ["user"]}]), "x-kept-seconds": 1},
            "patch": operation("rearrange"),
        },
    }
)


class Upstream(BaseHTTPRequestHandler):
    """A service that answers what it was asked, and notes it; `status` and `content` say how, `may_answer` when
    a GET is answered."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        cast(Any, self.server).seen.append(
            (self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        )
        content = cast(Any, self.server).content
        if self.command == "GET":
            cast(Any, self.server).may_answer.wait(5)
        if "/lost" in self.path:
            self.close_connection = True
            return
        self.send_response(cast(Any, self.server).status)
        self.send_header("Content-Type", "application/vnd.api+json")
        self.send_header("ETag", 'W/"1"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815 (as http.server calls them)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def upstream() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.seen, server.status, server.content = [], 200, b'{"meta":{}}'
    server.may_answer = threading.Event()
    server.may_answer.set()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def url(upstream: Any) -> Iterator[str]:
    keyring = auth.Keyring(fetch_test_keys)
    keyring.refresh()
    auth.configure(keyring)
    gateway = Gateway(
        RoutingTable({"events": SPEC}),
        Proxy({"events": f"http://127.0.0.1:{upstream.server_port}"}, 5),
        RateLimit({"default": 100, "auth": 2}),
        Cors(["https://shop.example"]),
        {"/docs": ("text/html", b"<p>docs</p>")},
    )
    port = free_port()
    server = serving.server(Front(gateway, {"always": lambda: True}), f"127.0.0.1:{port}")
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        pass
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(5)


def bearer(**claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {sign(7, **claims)}"}
