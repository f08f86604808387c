"""What comes before a body is bounded too: one connection cannot fill the memory of a process with it."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest
import uvicorn
from uvicorn.server import ServerState

from chassis import serving
from chassis.front import Front
from chassis.serving import MAX_HEAD_BYTES, BoundedHeads
from local.ports import free_port

Talk = Callable[..., bytes]
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"
MUCH = b"x" * MAX_HEAD_BYTES


async def app(_: Any, receive: Any, send: Any) -> None:
    """Answers how long the body was."""
    length, is_more = 0, True
    while is_more:
        message = await receive()
        length, is_more = length + len(message.get("body", b"")), message.get("more_body", False)
    content = str(length).encode()
    headers = [(b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


@pytest.fixture(scope="module")
def talk() -> Iterator[Talk]:
    """Sends bytes to a server in one connection, part by part, and gives what it says until it closes or `ends` so."""
    port = free_port()
    server = serving.server(Front(app, {}), f"127.0.0.1:{port}", has_lifespan=False)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        pass

    def speak(*parts: bytes, ends: bytes | None = None) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for part in parts:
                connection.sendall(part)
            heard = b""
            while ends is None or not heard.endswith(ends):
                more = connection.recv(65536)
                if not more:
                    break
                heard += more
            return heard

    yield speak
    server.should_exit = True
    thread.join(5)


class Wire:
    """The transport of one connection: what the server writes, and whether it has closed."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += b"" if self.closed else data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, _: str) -> None:
        return None


async def answer_to(*reads: bytes) -> Wire:
    """What a connection writes that reads these bytes, one after the other, until it closes."""
    wire: Any = Wire()
    config = uvicorn.Config(app, lifespan="off")
    config.load()
    protocol = BoundedHeads(config, ServerState(), {})
    protocol.connection_made(wire)
    for data in reads:
        if not wire.closed:
            protocol.data_received(data)
    return wire  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "reads",
    [
        (POST + b"X: ", MUCH, b"x"),
        (POST + b"x", MUCH, b"x"),
        (POST + b"X: " + MUCH + b"\r\n\r\n",),
        (POST + b"".join(b"X-%d: y\r\n" % number for number in range(MAX_HEAD_BYTES // 8)) + b"\r\n",),
        (b"GET /" + MUCH + b" HTTP/1.1\r\n\r\n",),
        (b"GET /", MUCH),
        (CHUNKED + b"X: ", MUCH, b"x"),
    ],
    ids=["half a value", "half a name", "a header", "many headers", "a path", "half a path", "half a trailer"],
)
def test_a_head_that_is_too_large_is_431_and_ends_the_connection(reads: tuple[bytes, ...]) -> None:
    wire = asyncio.run(answer_to(*reads))
    status, _, rest = wire.written.partition(b"\r\n")
    assert (status, wire.closed) == (b"HTTP/1.1 431 Request Header Fields Too Large", True)
    headers, _, content = rest.partition(b"\r\n\r\n")
    assert b"content-type: application/vnd.api+json" in headers
    assert b"connection: close" in headers
    assert orjson.loads(content)["errors"][0]["code"] == "head-too-large"


def test_a_server_hangs_up_on_a_header_without_end(talk: Talk) -> None:
    with suppress(ConnectionError):  # it does not wait until all is sent
        assert talk(POST + b"X: " + MUCH * 10).startswith(b"HTTP/1.1 431")


def test_a_large_head_of_fair_size_and_a_large_body_are_fine(talk: Talk) -> None:
    fair = b"X: " + b"x" * (MAX_HEAD_BYTES - 1000) + b"\r\n"
    request = POST + fair + b"Content-Length: 1000000\r\n\r\n" + b"b" * 1_000_000
    assert talk(request[:30_000], request[30_000:], ends=b"1000000").startswith(b"HTTP/1.1 200")


def test_each_request_of_a_connection_is_counted_by_itself(talk: Talk) -> None:
    fair = b"X: " + b"x" * (MAX_HEAD_BYTES // 2) + b"\r\n"
    request = POST + fair + b"Content-Length: 100000\r\n\r\n" + b"b" * 100_000
    answer = talk(*[request] * 4, POST + b"Connection: close\r\nContent-Length: 0\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == 5


def test_what_is_no_http_is_still_400(talk: Talk) -> None:
    assert talk(b"hello\r\n\r\n").startswith(b"HTTP/1.1 400")
