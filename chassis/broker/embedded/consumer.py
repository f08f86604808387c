"""Consuming: row locks claim a batch, and die with their connection, so that a killed process frees it at once."""

import threading
from dataclasses import dataclass
from typing import Any

import psycopg

from chassis.broker.backoff import Backoff
from chassis.broker.embedded.connection import Bell, Database
from chassis.broker.interface import Handle, Timing
from chassis.broker.verdicts import Ruling, rule
from chassis.messages import Envelope

POLL_SECONDS = 2.0  # NOTIFY wakes us; this is for messages that a dead process held

# now() is the start of the transaction: what CLAIM finds not due yet, NEXT_DUE sees.
CLAIM = """
SELECT id, message_id, type, key, request_id, traceparent, occurred_at, payload, failures
FROM message WHERE queue = %s AND not_before <= now()
ORDER BY not_before LIMIT %s FOR UPDATE SKIP LOCKED
"""
NEXT_DUE = """
SELECT extract(epoch FROM min(not_before) - clock_timestamp())::float8
FROM message WHERE queue = %s AND not_before > now()
"""
DONE = "DELETE FROM message WHERE id = ANY(%s)"
RETRY = """
UPDATE message SET failures = failures + 1, reason = retry.reason,
    not_before = clock_timestamp() + retry.delay * interval '1 second'
FROM unnest(%s::bigint[], %s::float8[], %s::text[]) AS retry (id, delay, reason) WHERE message.id = retry.id
"""
BURY = """
UPDATE message SET queue = queue || '.dead', failures = failures + 1, reason = dead.reason,
    not_before = clock_timestamp()
FROM unnest(%s::bigint[], %s::text[]) AS dead (id, reason) WHERE message.id = dead.id
"""


@dataclass(frozen=True)
class Consumer:
    """The endless reading of one queue."""

    database: Database
    service: str
    handle: Handle
    timing: Timing
    prefetch: int
    stop: threading.Event

    def run(self) -> None:
        """Reads until `stop` is set."""
        self.database.keep_connected(self._read, self.stop)

    def _read(self, connection: psycopg.Connection, lost: Backoff) -> None:
        bell = Bell(connection, self.database.channel(self.service))
        pauses = Backoff(self.timing.pause_seconds, self.timing.longest_pause_seconds)
        while not self.stop.is_set():
            with connection.transaction():
                batch = self._claim(connection)
                paused = self._handle(connection, batch) if batch else False
                due_seconds = POLL_SECONDS if batch else self._next_due(connection)
            lost.reset()
            if paused:
                self.stop.wait(pauses.next())
            elif batch:
                pauses.reset()
            else:
                bell.wait(due_seconds, self.stop)

    def _claim(self, connection: psycopg.Connection) -> list[Any]:
        with connection.cursor(binary=True) as cursor:
            return cursor.execute(CLAIM, (self.service, self.prefetch)).fetchall()

    def _handle(self, connection: psycopg.Connection, rows: list[Any]) -> bool:
        """Whether something was paused. Claimed rows that are neither deleted nor changed are free after the commit."""
        ruling = rule(self.handle, [Envelope(*row[1:]) for row in rows], self.timing.retry_delays_seconds)
        row_ids = [row[0] for row in rows]
        _settle(connection, row_ids, ruling)
        return bool(ruling.paused)

    def _next_due(self, connection: psycopg.Connection) -> float:
        row = connection.execute(NEXT_DUE, (self.service,)).fetchone()
        return POLL_SECONDS if row is None or row[0] is None else max(0.0, min(POLL_SECONDS, row[0]))


def _settle(connection: psycopg.Connection, row_ids: list[int], ruling: Ruling) -> None:
    if ruling.done:
        connection.execute(DONE, ([row_ids[place] for place in ruling.done],))
    if ruling.retries:
        places, delays, reasons = zip(*ruling.retries, strict=True)
        connection.execute(RETRY, ([row_ids[place] for place in places], list(delays), list(reasons)))
    if ruling.dead:
        places, reasons = zip(*ruling.dead, strict=True)
        connection.execute(BURY, ([row_ids[place] for place in places], list(reasons)))
