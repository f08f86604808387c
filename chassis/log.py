"""JSON lines on standard output with the ids of request, message and what it is about (`key`): one order can be followed."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

from chassis import context, tracing

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One log record, one line of JSON: time, level, service, event, ids, and whatever `extra` gave."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self.service,
            "logger": record.name,
            "event": record.getMessage(),
        }
        if request_id := context.request_id.get():
            line["request_id"] = request_id
        if message_id := context.message_id.get():
            line["message_id"] = message_id
        if key := context.key.get():
            line["key"] = key
        if trace_id := tracing.trace_id():
            line["trace_id"] = trace_id
        line.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def configure(service: str, level: str = "INFO") -> None:
    """Sends everything that this process logs to standard output as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("pika", "connexion", "uvicorn.access", "uvicorn.error", "alembic", "grpc", "stripe", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It warns of every operation that has two media types.
    logging.getLogger("connexion.operations").setLevel(logging.ERROR)
