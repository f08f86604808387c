"""TCP relays between the parts of the system: every connection goes through one, so that a single link can be cut.

A link has a caller and a callee. It is cut in one of three ways, as networks do it: connections are refused, nothing moves,
or questions arrive and the answers are lost. A callee can also move to another port; those who call it do not notice.
"""

import asyncio
import os
import socket
import struct
import threading
from collections.abc import Coroutine, Iterable
from enum import Enum
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import uvloop

from local.ports import free_port

T = TypeVar("T")
HOST = "127.0.0.1"


class Cut(Enum):
    """How a link fails."""

    REFUSED = "refused"  # running connections are reset, new ones refused
    STALLED = "stalled"  # nothing moves; afterwards all arrives, unless its sender has hung up meanwhile
    DEAF = "deaf"  # what the caller sends arrives, answers are lost; the connections end when the cut does


class _End(asyncio.Protocol):
    """One end of a relayed connection. What it receives leaves through `other`."""

    def __init__(self, link: "_Link", caller: "_End | None" = None) -> None:
        self.link = link
        self.is_callers = caller is None
        self.other = caller or _End(link, self)
        self.transport: asyncio.Transport | None = None
        self.waiting: list[bytes] = []  # to be sent here, once there is a connection and the link moves
        self.is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.link.ends.add(self)
        if self.is_over:
            self.transport.close()
            return
        self.send_waiting()
        if self.is_callers:
            self.link.relays.spawn(self._connect())

    async def _connect(self) -> None:
        target = self.link.relays.targets[self.link.callee]
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.other, HOST, target)
        except OSError:
            self.end(at_once=True)

    def data_received(self, data: bytes) -> None:
        """No flow control: what is said here is small."""
        if self.link.cut is Cut.DEAF and not self.is_callers:
            return
        self.other.waiting.append(data)
        self.other.send_waiting()

    def send_waiting(self) -> None:
        """What may leave now."""
        if self.transport is not None and self.link.cut is not Cut.STALLED:
            self.transport.writelines(self.waiting)
            self.waiting.clear()

    def connection_lost(self, error: Exception | None) -> None:
        self.link.ends.discard(self)
        self.other.end(at_once=error is not None)

    def end(self, *, at_once: bool) -> None:
        """Closes after what is still to be sent, or resets."""
        self.is_over = True
        if self.transport is None:
            return
        if at_once and not self.transport.is_closing():  # a reset, not an orderly end
            fd = self.transport.get_extra_info("socket").fileno()
            with socket.socket(fileno=os.dup(fd)) as same:
                same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        (self.transport.abort if at_once else self.transport.close)()


class _Link:
    def __init__(self, relays: "Relays", callee: str) -> None:
        self.relays = relays
        self.callee = callee
        self.port = free_port()
        self.cut: Cut | None = None
        self.ends: set[_End] = set()
        self.server: asyncio.Server | None = None

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: _End(self), HOST, self.port)

    async def change(self, cut: Cut | None) -> None:
        """Cuts it, or mends it with None."""
        before, self.cut = self.cut, cut
        if before is cut:
            return
        if Cut.REFUSED in (before, cut) and self.server is not None:
            self.server.close()
            self.server = None
        if cut is Cut.REFUSED or before is Cut.DEAF:  # a stream with a hole in it must not go on
            for end in list(self.ends):
                end.end(at_once=True)
        for end in list(self.ends):
            end.send_waiting()
        if cut is not Cut.REFUSED and self.server is None:
            await self.listen()


class Relays:
    """All links, in one thread."""

    def __init__(self) -> None:
        self.targets: dict[str, int] = {}
        self._links: dict[tuple[str, str], _Link] = {}
        self._loop = uvloop.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relays", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def links(self) -> list[tuple[str, str]]:
        """Caller and callee of each."""
        return list(self._links)

    def route(self, caller: str, callee: str, port: int) -> int:
        """The port on which this caller reaches the callee, who listens on `port`."""
        self.targets.setdefault(callee, port)
        if (caller, callee) not in self._links:
            link = _Link(self, callee)
            self._do(link.listen())
            self._links[caller, callee] = link
        return self._links[caller, callee].port

    def move(self, callee: str, port: int) -> None:
        """New connections go to another port; those that exist stay."""
        self.targets[callee] = port

    def cut(self, links: Iterable[tuple[str, str]], how: Cut) -> None:
        """Until `mend`."""
        for each in links:
            self._do(self._links[each].change(how))

    def mend(self) -> None:
        """All links work."""
        for link in self._links.values():
            self._do(link.change(None))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """From the relays' own thread."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self) -> None:
        for link in self._links.values():
            if link.server is not None:
                link.server.close()
            for end in list(link.ends):
                end.end(at_once=True)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)
