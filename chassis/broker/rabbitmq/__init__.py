"""RabbitMQ, from 3.10 to 4.x, by pika: the broker for more than one machine."""

import threading
from collections.abc import Collection, Sequence
from uuid import UUID

from chassis.broker.interface import DeadLetter, Depth, Handle, Hear, Timing
from chassis.broker.rabbitmq import letters
from chassis.broker.rabbitmq.consumer import Consumer
from chassis.broker.rabbitmq.link import Server
from chassis.broker.rabbitmq.listener import Listener
from chassis.broker.rabbitmq.publisher import Letter, Publisher
from chassis.broker.rabbitmq.topology import Topology
from chassis.messages import Catalogue, Envelope, ids


class RabbitBroker:
    """`interface.Broker` on RabbitMQ. Publishing, each consumer and each listener have a connection of their own."""

    def __init__(self, url: str, catalogue: Catalogue, *, prefix: str, timing: Timing) -> None:
        self._catalogue = catalogue
        self._timing = timing
        self._topology = Topology(catalogue, prefix, timing.retry_delays_seconds)
        self._server = Server(url, self._topology)
        self._publisher = Publisher(self._server, timing.confirm_timeout_seconds)

    def declare(self) -> None:
        with self._server.channel():
            pass

    def publish(self, envelopes: Sequence[Envelope]) -> None:
        known = [(each, self._catalogue.kind(each.type)) for each in envelopes if self._catalogue.knows(each)]
        queued = [Letter(each, self._topology.messages, each.type) for each, kind in known if kind.hearers]
        shouted = [
            Letter(each, self._topology.broadcast, each.type, must_arrive=False)  # perhaps nobody listens
            for each, kind in known
            if kind.is_broadcast
        ]
        offered = [
            Letter(each, self._topology.messages, each.type, must_arrive=False)  # perhaps nobody has bound a queue
            for each, kind in known
            if kind.is_for_outsiders and not kind.hearers
        ]
        self._publisher.send([*queued, *shouted, *offered], unknown=ids(envelopes) - ids([each for each, _ in known]))

    def consume(self, service: str, handle: Handle, *, stop: threading.Event, prefetch: int = 50) -> None:
        Consumer(self._server, self._publisher, service, handle, self._timing, prefetch, stop).run()

    def listen(self, hear: Hear, *, stop: threading.Event, ready: threading.Event | None = None) -> None:
        Listener(self._server, hear, self._timing.broadcast_window_seconds, stop, ready).run()

    def depths(self) -> list[Depth]:
        with self._server.channel() as channel:
            return letters.depths(channel, self._topology)

    def dead_letters(self, service: str, limit: int = 100) -> list[DeadLetter]:
        with self._server.channel() as channel:
            return letters.dead_letters(channel, self._topology, service, limit)

    def requeue(self, service: str, message_ids: Collection[UUID] | None = None) -> int:
        with self._server.channel() as channel:
            return letters.requeue(channel, self._topology, service, message_ids)

    def purge(self, service: str, message_ids: Collection[UUID] | None = None) -> int:
        with self._server.channel() as channel:
            return letters.purge(channel, self._topology, service, message_ids)

    def close(self) -> None:
        self._publisher.close()
