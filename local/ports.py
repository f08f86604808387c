"""Free ports and servers that need a moment to answer."""

import os
import random
import socket
import time
from collections import deque

# Below what systems give to outgoing connections: one of those would take the port before its service listens.
_FIRST, _LAST = 15_000, 32_000
_SHARES = 16

_drawn: deque[int] = deque(maxlen=500)


def free_port() -> int:
    """A TCP port on the loopback address that nobody uses now, and that no outgoing connection gets.

    Whoever asked for it listens later. So a process draws none twice, and two processes have different shares of all ports.
    """
    while True:
        port = random.randrange(_FIRST + os.getpid() % _SHARES, _LAST, _SHARES)  # noqa: S311 (no secret)
        if port not in _drawn and is_free(port):
            _drawn.append(port)
            return port


def is_free(port: int) -> bool:
    """Whether a server could listen on that port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def accepts(port: int, *, within_seconds: float) -> bool:
    """Whether somebody accepts connections on that port, now or soon."""
    deadline = time.monotonic() + within_seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True
