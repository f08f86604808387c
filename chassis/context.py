"""What travels along with the work at hand: set at the entrances, read by logs, messages and calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
message_id: ContextVar[str] = ContextVar("message_id", default="")
key: ContextVar[str] = ContextVar("key", default="")  # what the message at hand is about, an order's identifier say
traceparent: ContextVar[str] = ContextVar("traceparent", default="")
token: ContextVar[str] = ContextVar("token", default="")  # the end user's JWT, passed on to other services


@contextmanager
def resumed(*, work_of: str, begun_in: str, about: str) -> Iterator[None]:
    """Work that was left for later: what it logs, says and asks belongs to the request `work_of`, the trace `begun_in`
    (a traceparent) and the thing that it is `about`."""
    tokens = ((request_id, request_id.set(work_of)), (traceparent, traceparent.set(begun_in)), (key, key.set(about)))
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)
