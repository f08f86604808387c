"""Listening: each process has a queue of its own that outlives a lost connection for as long as the window."""

import logging
import threading
import uuid
from typing import Any

from pika.channel import Channel

from chassis.broker.interface import Hear
from chassis.broker.rabbitmq.link import Link, Server
from chassis.broker.rabbitmq.wire import envelope_from

log = logging.getLogger(__name__)


class Listener:
    """The ear of one process.

    Not an exclusive queue: that would vanish with the connection, and with it what was said while we reconnect.
    RabbitMQ removes this one when nobody has listened for the length of the window.
    """

    def __init__(
        self, server: Server, hear: Hear, window_seconds: float, stop: threading.Event, ready: threading.Event | None
    ) -> None:
        self._server = server
        self._hear = hear
        self._window_ms = round(window_seconds * 1000)
        self._stop = stop
        self._ready = ready
        self._queue = f"{server.topology.broadcast}.{uuid.uuid4().hex[:12]}"

    def run(self) -> None:
        """Listens until `stop` is set."""
        link = Link(self._server, self._opened, lambda: None)
        try:
            self._stop.wait()
        finally:
            link.close()

    def _opened(self, channel: Channel) -> None:
        arguments = {"x-queue-type": "classic", "x-expires": self._window_ms, "x-message-ttl": self._window_ms}
        channel.queue_declare(self._queue, durable=True, arguments=arguments)
        channel.queue_bind(self._queue, self._server.topology.broadcast, callback=self._on_bound)
        channel.basic_qos(prefetch_count=100)
        channel.basic_consume(self._queue, self._on_message)

    def _on_bound(self, _frame: object) -> None:
        if self._ready is not None:
            self._ready.set()

    def _on_message(self, channel: Channel, method: Any, properties: Any, body: bytes) -> None:
        envelope = envelope_from(properties, body)
        try:
            self._hear(envelope)
        except Exception:
            log.exception("a broadcast was not heard", extra={"type": envelope.type})
        channel.basic_ack(method.delivery_tag)
