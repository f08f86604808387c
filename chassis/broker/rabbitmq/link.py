"""A connection that stays: it has a thread of its own, and is opened again whenever it breaks."""

import logging
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pika
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.exceptions import AMQPError

from chassis.broker.backoff import Backoff
from chassis.broker.interface import BrokerDownError
from chassis.broker.rabbitmq.topology import Topology

log = logging.getLogger(__name__)
logging.getLogger("pika").setLevel(logging.CRITICAL)  # it needs ten lines for what we say in one


class Server:
    """Where RabbitMQ is, and what has to be there before anybody talks to it."""

    def __init__(self, url: str, topology: Topology) -> None:
        self.topology = topology
        self.parameters = pika.URLParameters(url)
        self.parameters.heartbeat = 30
        self.parameters.blocked_connection_timeout = 30
        self.parameters.socket_timeout = 5
        self.parameters.stack_timeout = 10
        self.parameters.connection_attempts = 1
        self.parameters.client_properties = {"connection_name": "stagedoor"}

    @contextmanager
    def channel(self) -> Any:
        """A short-lived channel for questions, with everything declared. Raises BrokerDownError."""
        try:
            connection = pika.BlockingConnection(self.parameters)
            try:
                channel = connection.channel()
                self.topology.declare(channel)
                yield channel
            finally:
                if connection.is_open:
                    connection.close()
        except (AMQPError, OSError) as error:
            raise BrokerDownError(repr(error)) from error

    def declare(self) -> None:
        """Declares the topology, if the server answers."""
        try:
            with self.channel():
                pass
        except BrokerDownError as error:
            log.warning("the topology is not declared", extra={"error": str(error)})


class Link:
    """Keeps one channel open. Both callbacks, and what is given to `call`, run in the thread of the link."""

    def __init__(self, server: Server, opened: Callable[[Channel], None], lost: Callable[[], None]) -> None:
        self._server = server
        self._opened = opened
        self._lost = lost
        self._loop = IOLoop()
        self._backoff = Backoff(0.1, 5)
        self._connection: Any = None
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="rabbitmq", daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], None]) -> None:
        """Runs `function` in the link's thread, soon."""
        self._loop.add_callback_threadsafe(function)

    def close(self) -> None:
        """Says goodbye. What was delivered and not acknowledged goes back to its queue."""
        self.call(self._say_goodbye)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        self._connect()
        while True:
            try:
                self._loop.start()
                break
            except Exception as error:  # from a callback: a thread that ends would be silence for ever
                log.exception("RabbitMQ: unexpected failure, beginning anew")
                self._abandon()
                self._try_again(error)
        self._loop.close()

    def _connect(self) -> None:
        if self._is_closing:
            return
        try:
            with self._server.channel():
                pass  # topology before traffic
        except BrokerDownError as error:
            self._try_again(error)
            return
        self._connection = pika.SelectConnection(
            self._server.parameters,
            on_open_callback=lambda connection: connection.channel(on_open_callback=self._on_channel),
            on_open_error_callback=lambda _connection, error: self._try_again(error),
            on_close_callback=self._on_closed,
            custom_ioloop=self._loop,
        )

    def _on_channel(self, channel: Channel) -> None:
        self._backoff.reset()
        channel.add_on_close_callback(self._on_channel_closed)
        channel.add_on_cancel_callback(lambda _frame: channel.close())  # our queue was deleted: begin anew
        self._opened(channel)

    def _on_channel_closed(self, channel: Channel, _reason: Exception) -> None:
        if channel.connection.is_open:
            channel.connection.close()

    def _on_closed(self, connection: Any, error: Exception) -> None:
        if connection is self._connection:  # and not one that was abandoned
            self._lost()
            self._try_again(error)

    def _try_again(self, error: Exception) -> None:
        self._connection = None
        if self._is_closing:
            self._loop.stop()
            return
        seconds = self._backoff.next()
        log.warning("RabbitMQ lost", extra={"error": repr(error), "retry_in_seconds": round(seconds, 2)})
        self._loop.call_later(seconds, self._connect)

    def _abandon(self) -> None:
        abandoned, self._connection = self._connection, None
        self._lost()
        if abandoned is not None and abandoned.is_open:
            abandoned.close()

    def _say_goodbye(self) -> None:
        self._is_closing = True
        if self._connection is not None and self._connection.is_open:
            self._connection.close()
            self._loop.call_later(2, self._loop.stop)  # in case the answer never comes
        else:
            self._loop.stop()
