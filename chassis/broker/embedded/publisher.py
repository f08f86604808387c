"""Publishing: one statement per batch stores it in every queue that hears it, and wakes who waits there."""

import threading
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any
from uuid import UUID

import psycopg

from chassis.broker.embedded.connection import Database
from chassis.broker.interface import NotPublishedError
from chassis.messages import Catalogue, Envelope, ids

BATCH = """
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %b::bytea[])
        AS batch (message_id, type, key, request_id, traceparent, occurred_at, payload)
"""
COLUMNS = "message_id, type, key, request_id, traceparent, occurred_at, payload"

STORE = f"""
WITH batch AS ({BATCH}), stored AS (
    INSERT INTO message (queue, {COLUMNS})
    SELECT queue, {COLUMNS} FROM batch JOIN binding USING (type)
    RETURNING queue
)
SELECT array(SELECT message_id FROM batch WHERE type NOT IN (SELECT type FROM binding)),
       (SELECT count(pg_notify(current_schema() || '.' || queue, '')) FROM (SELECT DISTINCT queue FROM stored) woken)
"""  # noqa: S608 (constants of this module)

SHOUT = f"""
WITH batch AS ({BATCH}), forgotten AS (
    DELETE FROM broadcast WHERE id IN (
        SELECT id FROM broadcast WHERE stored_at < clock_timestamp() - 2 * %s * interval '1 second'
        FOR UPDATE SKIP LOCKED
    )
), stored AS (
    INSERT INTO broadcast ({COLUMNS}) SELECT * FROM batch RETURNING 1
)
SELECT pg_notify(current_schema() || '.broadcast', '') FROM (SELECT count(*) FROM stored) woken
"""  # noqa: S608 (constants of this module)


class Publisher:
    """One connection, opened when it is needed and shared by all threads."""

    def __init__(self, database: Database, catalogue: Catalogue, window_seconds: float) -> None:
        self._database = database
        self._catalogue = catalogue
        self._window_seconds = window_seconds
        self._lock = threading.Lock()
        self._connection: psycopg.Connection | None = None

    def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Stores the batch; see `Broker.publish`."""
        known = [(each, self._catalogue.kind(each.type)) for each in envelopes if self._catalogue.knows(each)]
        queued = [envelope for envelope, kind in known if kind.hearers]
        shouted = [envelope for envelope, kind in known if kind.is_broadcast]
        with self._lock:
            try:
                homeless = self._store(queued, shouted)
            except psycopg.Error as error:
                self._disconnect()
                raise NotPublishedError(ids(envelopes), str(error)) from error
            if homeless:
                self._disconnect()  # the next connection declares the topology anew
        if unpublished := {*homeless, *(each.message_id for each in envelopes if not self._catalogue.knows(each))}:
            raise NotPublishedError(unpublished, "no queue is bound to their types")

    def close(self) -> None:
        """Closes the connection; the next publish would open another."""
        with self._lock:
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _store(self, queued: Sequence[Envelope], shouted: Sequence[Envelope]) -> list[UUID]:
        if self._connection is None:
            self._connection = self._database.connect()
        homeless: list[UUID] = []
        with self._connection.transaction() if shouted else nullcontext():
            if queued:
                row = self._connection.execute(STORE, _arrays(queued)).fetchone()
                homeless = row[0] if row else []
            if shouted:
                self._connection.execute(SHOUT, [*_arrays(shouted), self._window_seconds])
        return homeless


def _arrays(envelopes: Sequence[Envelope]) -> list[list[Any]]:
    return [
        [each.message_id for each in envelopes],
        [each.type for each in envelopes],
        [each.key for each in envelopes],
        [each.request_id for each in envelopes],
        [each.traceparent for each in envelopes],
        [each.occurred_at for each in envelopes],
        [each.payload for each in envelopes],
    ]
