"""Connections to the embedded broker's database, and the loop that outlives them."""

import logging
import re
import select
import threading
import time
from collections.abc import Callable

import psycopg
from psycopg import sql

from chassis.broker.backoff import Backoff
from chassis.broker.embedded import schema
from chassis.messages import Catalogue

log = logging.getLogger(__name__)
STOP_SECONDS = 0.2


class Database:
    """Opens connections that find their tables in place."""

    def __init__(self, url: str, catalogue: Catalogue, prefix: str) -> None:
        if not re.fullmatch(r"[a-z0-9_]*", prefix):
            raise ValueError("a prefix has lower-case letters, digits and underscores only")
        self.schema = f"{prefix}broker"
        self._catalogue = catalogue
        self._url = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)

    def connect(self) -> psycopg.Connection:
        """A connection in autocommit mode. Raises psycopg.Error."""
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=5,
            application_name="stagedoor-broker",
            # The queue is often empty when statistics are taken; a scan of the table is never what we want.
            options=f"-c search_path={self.schema} -c enable_seqscan=off -c timezone=UTC"
            " -c idle_in_transaction_session_timeout=0 -c statement_timeout=30000",
        )
        try:
            schema.declare(connection, self.schema, self._catalogue)
        except BaseException:
            connection.close()
            raise
        return connection

    def channel(self, queue: str) -> str:
        """Where NOTIFY says that a queue has something new."""
        return f"{self.schema}.{queue}"

    def keep_connected(self, work: Callable[[psycopg.Connection, Backoff], None], stop: threading.Event) -> None:
        """Runs `work` with a connection, and again with a new one whenever it fails, until `stop` is set."""
        backoff = Backoff(0.1, 5)
        while not stop.is_set():
            try:
                with self.connect() as connection:
                    work(connection, backoff)
            except psycopg.Error as error:
                log.warning("embedded broker lost", extra={"error": str(error).split("\n")[0]})
                stop.wait(backoff.next())
            except Exception:
                log.exception("embedded broker: unexpected failure, beginning anew")
                stop.wait(backoff.next())


class Bell:
    """Rings when another connection says NOTIFY on this channel. Waiting costs next to nothing."""

    def __init__(self, connection: psycopg.Connection, channel: str) -> None:
        self._connection = connection
        self._has_rung = False
        connection.add_notify_handler(self._on_notify)  # what comes along with the answer to a statement
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Until it rings, or `seconds` have passed, or soon after `stop` is set. Raises psycopg.Error."""
        deadline = time.monotonic() + seconds
        while not self._has_rung and not stop.is_set() and (left := deadline - time.monotonic()) > 0:
            if select.select([self._connection.fileno()], [], [], min(left, STOP_SECONDS))[0]:
                self._listen()
        self._has_rung = False

    def _listen(self) -> None:
        self._connection.pgconn.consume_input()
        while self._connection.pgconn.notifies():
            self._has_rung = True

    def _on_notify(self, _notify: psycopg.Notify) -> None:
        self._has_rung = True
