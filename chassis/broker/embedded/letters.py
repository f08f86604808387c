"""Dead letters and depths: what an operator sees of the embedded broker."""

from collections.abc import Collection
from uuid import UUID

import psycopg

from chassis.broker.interface import DeadLetter, Depth
from chassis.messages import Envelope

LIST = """
SELECT message_id, type, key, request_id, traceparent, occurred_at, payload, failures, reason, not_before
FROM message WHERE queue = %s || '.dead' ORDER BY not_before LIMIT %s
"""
CHOSEN = "queue = %(service)s || '.dead' AND (%(ids)s::uuid[] IS NULL OR message_id = ANY(%(ids)s::uuid[]))"
REQUEUE = f"""
WITH moved AS (
    UPDATE message SET queue = %(service)s, failures = 0, reason = '', not_before = clock_timestamp() WHERE {CHOSEN}
    RETURNING 1
)
SELECT count(*), pg_notify(current_schema() || '.' || %(service)s, '') FROM moved
"""  # noqa: S608 (constants of this module)
PURGE = f"WITH gone AS (DELETE FROM message WHERE {CHOSEN} RETURNING 1) SELECT count(*) FROM gone"  # noqa: S608
DEPTHS = """
SELECT queue, count(*), extract(epoch FROM clock_timestamp() - min(stored_at))::float8 FROM message GROUP BY queue
"""


def dead_letters(connection: psycopg.Connection, service: str, limit: int) -> list[DeadLetter]:
    """The oldest dead letters."""
    rows = connection.execute(LIST, (service, limit)).fetchall()
    return [DeadLetter(Envelope(*row[:8]), reason=row[8], since=row[9]) for row in rows]


def requeue(connection: psycopg.Connection, service: str, message_ids: Collection[UUID] | None) -> int:
    """Dead letters become new messages of their service."""
    return _count(connection, REQUEUE, service, message_ids)


def purge(connection: psycopg.Connection, service: str, message_ids: Collection[UUID] | None) -> int:
    """Dead letters are deleted."""
    return _count(connection, PURGE, service, message_ids)


def depths(connection: psycopg.Connection, services: Collection[str]) -> list[Depth]:
    """Every queue, empty ones too."""
    found = {queue: (count, age) for queue, count, age in connection.execute(DEPTHS).fetchall()}
    names = sorted({name for service in services for name in (service, f"{service}.dead")} | set(found))
    return [Depth(name, *found.get(name, (0, None))) for name in names]


def _count(connection: psycopg.Connection, query: str, service: str, message_ids: Collection[UUID] | None) -> int:
    chosen = {"service": service, "ids": None if message_ids is None else list(message_ids)}
    row = connection.execute(query, chosen).fetchone()
    return int(row[0]) if row else 0
