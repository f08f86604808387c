"""The line to the caller, which a fault may cut: HTTP has no word for an answer that never comes."""

import asyncio
import socket
import struct
from typing import cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TRANSPORT = "stagedoor.transport"


class Line(HttpToolsProtocol):
    """uvicorn's protocol, which also lends the connection itself to the application."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_TRANSPORT: {"transport": self.transport}}


class Silence(Response):
    """Hangs up instead of answering: a plain close, or a reset as from a machine that crashed."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = cast(asyncio.Transport, scope["extensions"][_TRANSPORT]["transport"])
        if self._reset:
            _discard_on_close(transport.get_extra_info("socket").fileno())
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


def _discard_on_close(descriptor: int) -> None:
    # A socket that does not linger says RST instead of FIN. The option belongs to the connection, not to the duplicate.
    with socket.socket(fileno=socket.dup(descriptor)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
