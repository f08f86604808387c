"""How a process of ours serves HTTP: one uvicorn, set up alike for the services and the gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from chassis.errors import DomainError
from chassis.responses import JSON_API, error_document

GRACE_SECONDS = 10
MAX_HEAD_BYTES = 65_536


class HeadTooLarge(DomainError):
    status, title, code = 431, "Request Header Fields Too Large", "head-too-large"


class BoundedHeads(HttpToolsProtocol):
    """HTTP in which path and headers end: what goes on beyond MAX_HEAD_BYTES is 431 and the end of the connection.

    The parser tells of a header when its line is complete and keeps it until then. So two things are counted: what it has told
    of this request, and what it has taken since it last told of anything (give or take what is read at once).
    """

    _is_in_request = False
    _told = 0
    _taken = 0

    def data_received(self, data: bytes) -> None:
        self._taken += len(data)
        super().data_received(data)
        if self._is_in_request and self._taken > MAX_HEAD_BYTES:
            self._refuse()

    def on_message_begin(self) -> None:
        self._is_in_request = True
        self._told = self._taken = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)  # ": " and the line's end
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._taken = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_request = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What follows when a callback raises, as `_count` does, and when this is no HTTP."""
        if self._told > MAX_HEAD_BYTES:
            self._refuse()
        else:
            super().send_400_response(msg)

    def _count(self, length: int) -> None:
        self._taken = 0
        self._told += length
        if self._told > MAX_HEAD_BYTES:
            raise _TOO_LARGE

    def _refuse(self) -> None:
        self._is_in_request = False
        if not self.transport.is_closing():
            self.transport.write(_REFUSAL)
            self.transport.close()


_TOO_LARGE = HeadTooLarge(f"Path and headers of a request may have {MAX_HEAD_BYTES} bytes at most.")
_CONTENT = orjson.dumps(error_document([_TOO_LARGE]))
_REFUSAL = (
    f"HTTP/1.1 {HeadTooLarge.status} {HeadTooLarge.title}\r\ncontent-type: {JSON_API}\r\n"
    f"content-length: {len(_CONTENT)}\r\nconnection: close\r\n\r\n"
).encode() + _CONTENT


class Server(uvicorn.Server):
    """A server whose `run` returns after a signal: other work of the process has to end as gracefully.

    uvicorn raises the signal once more when its requests have ended, which kills a process that is not the first of a container.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def server(app: Any, address: str, *, has_lifespan: bool = True, keep_alive_seconds: int = 5) -> uvicorn.Server:
    """A server for `address` (host:port). Its `run` returns after SIGTERM or SIGINT, when running requests have ended."""
    host, _, port = address.rpartition(":")
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=int(port),
            loop="uvloop",
            http=BoundedHeads,
            lifespan="on" if has_lifespan else "off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # whose X-Forwarded-For counts is the gateway's to say (TRUSTED_PROXIES)
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=keep_alive_seconds,
            backlog=4096,
        )
    )
