"""A durable queue in a PostgreSQL database of its own: the broker of one machine where nothing else is installed."""

import threading
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar
from uuid import UUID

import psycopg

from chassis.broker.embedded import letters
from chassis.broker.embedded.connection import Database
from chassis.broker.embedded.consumer import Consumer
from chassis.broker.embedded.listener import Listener
from chassis.broker.embedded.publisher import Publisher
from chassis.broker.interface import BrokerDownError, DeadLetter, Depth, Handle, Hear, Timing
from chassis.messages import Catalogue, Envelope

T = TypeVar("T")


class EmbeddedBroker:
    """`interface.Broker` on PostgreSQL. The database must exist; the tables need not."""

    def __init__(self, url: str, catalogue: Catalogue, *, prefix: str, timing: Timing) -> None:
        self._catalogue = catalogue
        self._timing = timing
        self._database = Database(url, catalogue, prefix)
        self._publisher = Publisher(self._database, catalogue, timing.broadcast_window_seconds)

    def declare(self) -> None:
        self._ask(lambda connection: None)

    def publish(self, envelopes: Sequence[Envelope]) -> None:
        self._publisher.publish(envelopes)

    def consume(self, service: str, handle: Handle, *, stop: threading.Event, prefetch: int = 50) -> None:
        Consumer(self._database, service, handle, self._timing, prefetch, stop).run()

    def listen(self, hear: Hear, *, stop: threading.Event, ready: threading.Event | None = None) -> None:
        Listener(self._database, hear, self._timing.broadcast_window_seconds, stop, ready).run()

    def depths(self) -> list[Depth]:
        return self._ask(lambda connection: letters.depths(connection, self._catalogue.services))

    def dead_letters(self, service: str, limit: int = 100) -> list[DeadLetter]:
        return self._ask(lambda connection: letters.dead_letters(connection, service, limit))

    def requeue(self, service: str, message_ids: Collection[UUID] | None = None) -> int:
        return self._ask(lambda connection: letters.requeue(connection, service, message_ids))

    def purge(self, service: str, message_ids: Collection[UUID] | None = None) -> int:
        return self._ask(lambda connection: letters.purge(connection, service, message_ids))

    def close(self) -> None:
        self._publisher.close()

    def _ask(self, question: Callable[[psycopg.Connection], T]) -> T:
        try:
            with self._database.connect() as connection:
                return question(connection)
        except psycopg.Error as error:
            raise BrokerDownError(str(error)) from error
