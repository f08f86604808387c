"""Listening: every process reads all broadcasts of the last minute that it has not heard yet."""

import logging
import threading
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

from chassis.broker.backoff import Backoff
from chassis.broker.embedded.connection import Bell, Database
from chassis.broker.interface import Hear
from chassis.messages import Envelope

log = logging.getLogger(__name__)
POLL_SECONDS = 5.0  # NOTIFY wakes us; this is for one that got lost

# The horizon is the oldest transaction that was still running when we last looked: everything before it is decided and
# has been read, so that a broadcast whose transaction commits late is not skipped (a cursor on ids would).
READ = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text,
       message_id, type, key, request_id, traceparent, occurred_at, payload
FROM (SELECT 1) AS always LEFT JOIN broadcast
  ON transaction_id >= %s::text::xid8 AND stored_at > clock_timestamp() - %s * interval '1 second'
ORDER BY broadcast.id
"""


@dataclass
class Listener:
    """The ear of one process. What it has heard outlives its connections."""

    database: Database
    hear: Hear
    window_seconds: float
    stop: threading.Event
    ready: threading.Event | None
    _horizon: int | None = None
    _heard: frozenset[UUID] = field(default_factory=frozenset)

    def run(self) -> None:
        """Listens until `stop` is set."""
        self.database.keep_connected(self._listen, self.stop)

    def _listen(self, connection: psycopg.Connection, lost: Backoff) -> None:
        bell = Bell(connection, self.database.channel("broadcast"))
        while not self.stop.is_set():
            first = self._horizon is None
            news = self._read(connection)
            lost.reset()
            if not first:  # what was said before we came is not for us
                for envelope in news:
                    self._tell(envelope)
            elif self.ready is not None:
                self.ready.set()
            bell.wait(POLL_SECONDS, self.stop)

    def _read(self, connection: psycopg.Connection) -> list[Envelope]:
        rows = connection.execute(READ, (str(self._horizon or 0), self.window_seconds)).fetchall()
        found = [Envelope(*row[1:]) for row in rows if row[1] is not None]
        horizon = int(rows[0][0])
        if self._horizon is not None and horizon < self._horizon:  # a restored database counts from an earlier number
            self._horizon = 0
            return self._read(connection)
        news = [envelope for envelope in found if envelope.message_id not in self._heard]
        self._horizon = horizon
        self._heard = frozenset(envelope.message_id for envelope in found)
        return news

    def _tell(self, envelope: Envelope) -> None:
        try:
            self.hear(envelope)
        except Exception:
            log.exception("a broadcast was not heard", extra={"type": envelope.type})
