"""An envelope as AMQP properties, headers and body."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pika import BasicProperties

from chassis.messages import Envelope

PERSISTENT = 2


def properties_of(envelope: Envelope, *, failures: int, reason: str = "") -> BasicProperties:
    """What travels beside the payload. Standard properties where AMQP has one, so that any tool shows them."""
    return BasicProperties(
        content_type="application/x-protobuf",
        delivery_mode=PERSISTENT,
        message_id=str(envelope.message_id),
        type=envelope.type,
        correlation_id=envelope.request_id,
        headers={
            "key": envelope.key,
            "traceparent": envelope.traceparent,
            "occurred-at": envelope.occurred_at.isoformat(),
            "failures": failures,
            "reason": reason[:2000],
        },
    )


def envelope_from(properties: Any, payload: bytes) -> Envelope:
    """The envelope again. What somebody put in by hand may lack anything: it becomes one that nobody can handle."""
    headers = properties.headers or {}
    return Envelope(
        message_id=_uuid(properties.message_id),
        type=properties.type or "",
        key=str(headers.get("key", "")),
        request_id=properties.correlation_id or "",
        traceparent=str(headers.get("traceparent", "")),
        occurred_at=_moment(headers.get("occurred-at")),
        payload=payload,
        failures=_whole(headers.get("failures")),
    )


def reason_from(properties: Any) -> str:
    """Why this is a dead letter."""
    headers = properties.headers or {}
    if reason := headers.get("reason"):
        return str(reason)
    deaths = headers.get("x-death") or [{}]
    return str(deaths[0].get("reason", ""))


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        return UUID(int=0)


def _moment(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def _whole(number: object) -> int:
    return number if isinstance(number, int) else 0
