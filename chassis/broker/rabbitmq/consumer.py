"""Consuming: what has arrived is handled as one batch, in the caller's thread, and acknowledged with one frame."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from pika.channel import Channel

from chassis.broker.backoff import Backoff
from chassis.broker.interface import Handle, NotPublishedError, Timing
from chassis.broker.rabbitmq.link import Link, Server
from chassis.broker.rabbitmq.publisher import Letter, Publisher
from chassis.broker.rabbitmq.wire import envelope_from
from chassis.broker.verdicts import Ruling, rule
from chassis.messages import Envelope

log = logging.getLogger(__name__)
STOP_SECONDS = 0.2
LINGER_SECONDS = 0.005  # one burst of the publisher is one batch


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message and the channel that waits for its answer."""

    channel: Channel
    tag: int
    envelope: Envelope


class Consumer:
    """The endless reading of one queue.

    A message that has to wait for something that is down stays with us, unacknowledged, and is tried again: giving it
    back would count as a delivery.
    """

    def __init__(
        self,
        server: Server,
        publisher: Publisher,
        service: str,
        handle: Handle,
        timing: Timing,
        prefetch: int,
        stop: threading.Event,
    ) -> None:
        self._server = server
        self._publisher = publisher
        self._service = service
        self._handle = handle
        self._timing = timing
        self._prefetch = prefetch
        self._stop = stop
        self._channel: Channel | None = None
        self._arrived: list[Delivery] = []
        self._chunks: SimpleQueue[list[Delivery]] = SimpleQueue()
        self._link = Link(server, self._opened, self._lost)

    def run(self) -> None:
        """Reads until `stop` is set."""
        pauses = Backoff(self._timing.pause_seconds, self._timing.longest_pause_seconds)
        held: list[Delivery] = []
        try:
            while not self._stop.is_set():
                arrived = self._take(STOP_SECONDS if not held else 0)
                batch = [each for each in [*held, *arrived] if each.channel is self._channel]
                held = self._try(batch) if batch else []
                if held:
                    self._stop.wait(pauses.next())
                elif batch:
                    pauses.reset()
        finally:
            self._link.close()

    # In the link's thread:

    def _opened(self, channel: Channel) -> None:
        self._channel = channel
        self._arrived = []
        channel.basic_qos(prefetch_count=self._prefetch)
        channel.basic_consume(self._server.topology.queue(self._service), self._on_message)

    def _lost(self) -> None:
        self._channel = None

    def _on_message(self, channel: Channel, method: Any, properties: Any, body: bytes) -> None:
        if not self._arrived:
            self._link.call(self._pass_on)  # after all that the same read of the socket brought
        self._arrived.append(Delivery(channel, method.delivery_tag, envelope_from(properties, body)))

    def _pass_on(self) -> None:
        arrived, self._arrived = self._arrived, []
        if arrived:
            self._chunks.put(arrived)

    # In the caller's thread:

    def _take(self, timeout_seconds: float) -> list[Delivery]:
        arrived: list[Delivery] = []
        try:
            if timeout_seconds:
                arrived += self._chunks.get(timeout=timeout_seconds)
                time.sleep(LINGER_SECONDS)
            while True:
                arrived += self._chunks.get_nowait()
        except Empty:
            return arrived

    def _try(self, batch: list[Delivery]) -> list[Delivery]:
        try:
            return self._work(batch)
        except Exception:  # a thread that ends would be silence for ever
            log.exception("RabbitMQ: unexpected failure, trying the batch again")
            return batch

    def _work(self, batch: Sequence[Delivery]) -> list[Delivery]:
        """What of the batch has to wait."""
        ruling = rule(self._handle, [each.envelope for each in batch], self._timing.retry_delays_seconds)
        held = {*ruling.paused, *self._pass_along(batch, ruling)}
        if not held:
            self._acknowledge(batch[-1], multiple=True)  # deliveries of one channel come in the order of their tags
        else:
            for place, delivery in enumerate(batch):
                if place not in held:
                    self._acknowledge(delivery)
        return [batch[place] for place in sorted(held)]

    def _pass_along(self, batch: Sequence[Delivery], ruling: Ruling) -> list[int]:
        """Retries and dead letters go to their queues before they leave this one. Which of them could not."""
        names = self._server.topology
        letters = {
            place: Letter(
                batch[place].envelope,
                names.retry(delay),
                names.queue(self._service),
                batch[place].envelope.failures + 1,
                reason,
            )
            for place, delay, reason in ruling.retries
        } | {
            place: Letter(
                batch[place].envelope, "", names.dead(self._service), batch[place].envelope.failures + 1, reason
            )
            for place, reason in ruling.dead
        }
        try:
            self._publisher.send(list(letters.values()))
        except NotPublishedError as error:
            return [place for place, letter in letters.items() if letter.envelope.message_id in error.message_ids]
        return []

    def _acknowledge(self, delivery: Delivery, *, multiple: bool = False) -> None:
        def acknowledge() -> None:
            if delivery.channel.is_open:  # else it is delivered again, and the inbox knows it
                delivery.channel.basic_ack(delivery.tag, multiple=multiple)

        self._link.call(acknowledge)
