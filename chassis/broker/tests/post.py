"""What tests of messaging share: a small catalogue, a broker under a name of its own, and helpers that wait."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pika
import psycopg
from google.protobuf.wrappers_pb2 import BoolValue, Int64Value, StringValue

from chassis.broker import Broker, Handle, Outcome, Timing, Verdict, connect
from chassis.broker.rabbitmq.topology import Topology
from chassis.broker.tests.proxy import Proxy
from chassis.messages import Catalogue, Envelope, Kind, new_id

LETTER, SHOUT, OFFER = "google.protobuf.StringValue", "google.protobuf.Int64Value", "google.protobuf.BoolValue"
CATALOGUE = Catalogue(
    [
        Kind(LETTER, StringValue, "writers", hearers=("readers", "archive")),
        Kind(SHOUT, Int64Value, "writers", is_broadcast=True),
        Kind(OFFER, BoolValue, "writers", is_for_outsiders=True),
    ]
)
HASTE = Timing(retry_delays_seconds=(0.05,) * 30, pause_seconds=0.05, longest_pause_seconds=0.1)
DONE, RETRY, PAUSE = Outcome(Verdict.DONE), Outcome(Verdict.RETRY, "not yet"), Outcome(Verdict.PAUSE)


def letter(text: str) -> Envelope:
    """A message for readers and archive."""
    return _envelope(LETTER, StringValue(value=text).SerializeToString())


def shout(number: int) -> Envelope:
    """A broadcast."""
    return _envelope(SHOUT, Int64Value(value=number).SerializeToString())


def offer() -> Envelope:
    """A fact for outsiders."""
    return _envelope(OFFER, BoolValue(value=True).SerializeToString())


def text_of(envelope: Envelope) -> str:
    """What `letter` was given."""
    return StringValue.FromString(envelope.payload).value


def _envelope(name: str, payload: bytes) -> Envelope:
    return Envelope(new_id(), name, "key-1", "request-1", "00-trace-01", datetime.now(UTC), payload)


def eventually(holds: Callable[[], Any], within_seconds: float = 15) -> None:
    """Waits until it holds."""
    deadline = time.monotonic() + within_seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


class Reader:
    """A hearer that notes what it gets; `answer` decides about each message."""

    def __init__(self, answer: Callable[[Envelope], Outcome] = lambda envelope: DONE) -> None:
        self.got: list[Envelope] = []
        self.moments: list[float] = []
        self._answer = answer

    def __call__(self, batch: Sequence[Envelope]) -> list[Outcome]:
        self.got += batch
        self.moments += [time.monotonic()] * len(batch)
        return [self._answer(envelope) for envelope in batch]

    @property
    def texts(self) -> list[str]:
        """All that was delivered, in that order, repeats included."""
        return [text_of(envelope) for envelope in self.got]


class Post:
    """A broker whose names nobody else uses. Everything that is started here ends with the test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.prefix = f"t{uuid.uuid4().hex[:10]}_"
        self._delays: set[float] = set()
        self._brokers: list[Broker] = []
        self._proxies: list[Proxy] = []
        self._stops: list[threading.Event] = []
        self._threads: list[threading.Thread] = []

    def broker(self, timing: Timing = HASTE, *, proxy: Proxy | None = None) -> Broker:
        """One process' view of the broker, perhaps through a proxy."""
        parts = urlsplit(self.url)
        login, _, _ = parts.netloc.rpartition("@")
        netloc = f"{login}@127.0.0.1:{proxy.port}" if proxy else parts.netloc
        url = urlunsplit(parts._replace(netloc=netloc))
        broker = connect(url, catalogue=CATALOGUE, prefix=self.prefix, timing=timing)
        self._brokers.append(broker)
        self._delays.update(timing.retry_delays_seconds)
        return broker

    def proxy(self) -> Proxy:
        """What can break between us and the broker."""
        parts = urlsplit(self.url)
        proxy = Proxy(parts.hostname or "127.0.0.1", parts.port or (5672 if self.is_rabbitmq else 5432))
        self._proxies.append(proxy)
        return proxy

    def consume(self, broker: Broker, handle: Handle, service: str = "readers", prefetch: int = 50) -> threading.Event:
        """A consumer in a thread; the event stops it."""
        stop = threading.Event()
        self.run(lambda: broker.consume(service, handle, stop=stop, prefetch=prefetch), stop)
        return stop

    def listen(self, broker: Broker) -> list[Envelope]:
        """A listener in a thread that is ready when this returns; what it hears."""
        stop, ready = threading.Event(), threading.Event()
        heard: list[Envelope] = []
        self.run(lambda: broker.listen(heard.append, stop=stop, ready=ready), stop)
        assert ready.wait(10)
        return heard

    def run(self, work: Callable[[], None], stop: threading.Event) -> None:
        """Something that runs until `stop` is set."""
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._stops.append(stop)
        self._threads.append(thread)

    def halt(self, stop: threading.Event) -> None:
        """Stops what was started with this event, and waits until it has ended."""
        stop.set()
        self._threads[self._stops.index(stop)].join(10)

    @property
    def is_rabbitmq(self) -> bool:
        """Whether this is RabbitMQ."""
        return self.url.startswith("amqp")

    def forget_bindings(self) -> None:
        """An accident: the queues are no longer bound to anything."""
        if self.is_rabbitmq:
            with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
                for service in CATALOGUE.services:
                    connection.channel().queue_unbind(self.prefix + service, self.prefix + "messages", LETTER)
        else:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(f"DELETE FROM {self.prefix}broker.binding")  # noqa: S608

    def end(self) -> None:
        """Stops and removes everything."""
        for stop in self._stops:
            stop.set()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "a loop did not end"
        for broker in self._brokers:
            broker.close()
        for proxy in self._proxies:
            proxy.down()
        self._remove()

    def _remove(self) -> None:
        if not self.is_rabbitmq:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(f"DROP SCHEMA IF EXISTS {self.prefix}broker CASCADE")
            return
        topology = Topology(CATALOGUE, self.prefix, tuple(self._delays))
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            channel = connection.channel()
            for name in topology.queues():
                channel.queue_delete(name)
                channel.exchange_delete(name)
            channel.exchange_delete(topology.messages)
            channel.exchange_delete(topology.broadcast)
