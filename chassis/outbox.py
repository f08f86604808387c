"""What a service says is written in the transaction that makes it true, and told to the broker after the commit."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from google.protobuf.message import Message
from sqlalchemy import BigInteger, Column, Connection, DateTime, Identity, LargeBinary, Table, Text, Uuid
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from chassis import clock, context, db, messages, metrics, tables, tracing
from chassis.broker.backoff import Backoff
from chassis.broker.interface import Broker, NotPublishedError
from chassis.errors import Unavailable
from chassis.messages import Envelope

log = logging.getLogger(__name__)

BATCH = 200
QUICK_SECONDS = 0.05  # how soon to look again after there was something,
IDLE_SECONDS = 0.5  # and, in growing steps, after a long while without: only other processes' messages wait so long
ROUND_SECONDS = 0.05  # the first message after a silence goes at once; under load, one batch at most so often
MEASURE_SECONDS = 5.0

outbox = Table(
    "outbox",
    tables.metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("message_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("traceparent", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

# As the driver takes them: SQLAlchemy's compiling and processing would cost more than these statements do.
# INSERT writes what `row_of` gives; a larger statement may contain it.
INSERT = """
INSERT INTO outbox (message_id, type, key, request_id, traceparent, occurred_at, payload)
VALUES (%(message_id)s, %(message_type)s, %(message_key)s, %(message_request_id)s, %(message_traceparent)s,
  %(message_occurred_at)s, %(message_payload)s)
"""
# Claimed by row locks and not by a cursor on ids: ids become visible in another order than they are given.
_CLAIM = """
SELECT id, message_id, type, key, request_id, traceparent, occurred_at, payload
FROM outbox ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_DELETE = "DELETE FROM outbox WHERE id = ANY(%s)"
_ANY = "SELECT 1 FROM outbox LIMIT 1"
_MEASURE = "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0)::float8 FROM outbox"

_alarms: tuple[threading.Event, ...] = ()


def publish(session: Session, message: Message, *, key: str) -> None:
    """Tells the hearers of this type, if and when the transaction commits. `key` names the aggregate it is about.

    Raises UndeclaredMessageError for a type that declares no audience in proto/.
    """
    row = row_of(message, key=key)
    db.execute(session, INSERT, row)
    written(session, row)


def row_of(message: Message, *, key: str) -> dict[str, Any]:
    """The values of `INSERT` for this message. Raises UndeclaredMessageError, as `publish` does."""
    return {
        "message_id": messages.new_id(),
        "message_type": messages.catalogue().kind(message.DESCRIPTOR.full_name).name,
        "message_key": key,
        "message_request_id": context.request_id.get(),
        "message_traceparent": context.traceparent.get(),
        "message_occurred_at": clock.now(),
        "message_payload": message.SerializeToString(),
    }


def written(session: Session, row: Mapping[str, Any]) -> None:
    """Says that `INSERT` is part of this transaction: the relay is woken once it has committed."""
    db.on_commit(session, wake)
    db.on_commit(session, partial(_note, str(row["message_id"]), row["message_type"], row["message_key"]))


def _note(message_id: str, type_: str, key: str) -> None:
    log.info("message said", extra={"message_id": message_id, "type": type_, "key": key})


def wake() -> None:
    """Tells the relays of this process that there is something to send."""
    for alarm in _alarms:
        alarm.set()


class Relay:
    """Carries rows of the outbox to the broker. Any number may run at once, in any processes.

    A row is deleted once its message is confirmed: a crash in between sends it twice, never not at all.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._alarm = threading.Event()
        self._measured_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Relays until `stop` is set, through outages of database and broker."""
        global _alarms
        _alarms = (*_alarms, self._alarm)
        backoff = Backoff(0.1, 5)
        idle_seconds = IDLE_SECONDS
        is_woken = True  # another process may have left something
        try:
            while not stop.is_set():
                started = time.monotonic()
                sent = self._try_once(only_looks=not is_woken)
                if sent is None:
                    stop.wait(backoff.next())
                    continue
                backoff.reset()
                idle_seconds = QUICK_SECONDS if sent else min(idle_seconds * 2, IDLE_SECONDS)
                if sent < BATCH:
                    next_round = started + ROUND_SECONDS
                    is_woken = self._alarm.wait(idle_seconds)
                    time.sleep(max(0.0, next_round - time.monotonic()))
                    self._alarm.clear()
        finally:
            _alarms = tuple(alarm for alarm in _alarms if alarm is not self._alarm)

    def relay_once(self) -> int:
        """One batch; how many messages it had. Raises NotPublishedError after what was confirmed has been deleted."""
        with db.engine().begin() as connection:
            rows = db.execute(connection, _CLAIM, (BATCH,))
            if not rows:
                return 0
            failure = self._publish([Envelope(*row[1:]) for row in rows])
            kept = failure.message_ids if failure else frozenset[UUID]()
            _delete(connection, [row.id for row in rows if row.message_id not in kept])
        for row in rows:
            if row.message_id not in kept:
                kind = row.type.rpartition(".")[2]
                ids = {"message__id": str(row.message_id), "message__key": row.key}
                tracing.record(f"tell {kind}", "PRODUCER", row.traceparent, row.occurred_at, **ids)
        if failure:
            raise failure
        return len(rows)

    def _try_once(self, *, only_looks: bool = False) -> int | None:
        """`only_looks`: nobody has said that there is something, and to look costs a tenth of a round."""
        try:
            self._measure()
            return 0 if only_looks and not db.look(_ANY, ()) else self.relay_once()
        except (NotPublishedError, DBAPIError, Unavailable) as error:
            log.warning("the outbox waits", extra={"error": str(error).split("\n")[0]})
        except Exception:
            log.exception("relaying failed")
        return None

    def _publish(self, envelopes: Sequence[Envelope]) -> NotPublishedError | None:
        try:
            self._broker.publish(envelopes)
        except NotPublishedError as error:
            return error
        return None

    def _measure(self) -> None:
        if time.monotonic() - self._measured_at < MEASURE_SECONDS:
            return
        self._measured_at = time.monotonic()
        with db.engine().begin() as connection:
            [(rows, age_seconds)] = db.execute(connection, _MEASURE)
        metrics.outbox_rows.set(rows)
        metrics.outbox_age_seconds.set(age_seconds)


def _delete(connection: Connection, row_ids: Sequence[int]) -> None:
    if row_ids:
        db.execute(connection, _DELETE, (list(row_ids),))
