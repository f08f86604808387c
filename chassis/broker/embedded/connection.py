"""Connections to the embedded broker's database, and the loop that outlives them."""

import logging
import re
import threading
import time
from collections.abc import Callable

import psycopg

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


def wait_for_news(connection: psycopg.Connection, seconds: float, stop: threading.Event) -> None:
    """Returns when another connection has said NOTIFY, when `seconds` have passed, or soon after `stop` is set."""
    deadline = time.monotonic() + seconds
    while not stop.is_set() and (left := deadline - time.monotonic()) > 0:
        if list(connection.notifies(timeout=min(left, STOP_SECONDS), stop_after=1)):
            return
