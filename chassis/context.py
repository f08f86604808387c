"""What travels along with the work at hand: set at the entrances, read by logs, messages and calls."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
message_id: ContextVar[str] = ContextVar("message_id", default="")
traceparent: ContextVar[str] = ContextVar("traceparent", default="")
token: ContextVar[str] = ContextVar("token", default="")  # the end user's JWT, passed on to other services
