"""Publishing in batches: all messages are sent, then all confirms awaited, so that a batch costs one round trip."""

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pika.channel import Channel
from pika.spec import Basic

from chassis.broker.interface import NotPublishedError
from chassis.broker.rabbitmq.link import Link, Server
from chassis.broker.rabbitmq.wire import properties_of
from chassis.messages import Envelope

READY_SECONDS = 3.0
HOMELESS = "no queue is bound to its type"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message on its way to one exchange."""

    envelope: Envelope
    exchange: str
    routing_key: str
    failures: int = 0
    reason: str = ""
    must_arrive: bool = True


@dataclass(eq=False)
class _Batch:
    letters: Sequence[Letter]
    unanswered: int
    failed: dict[UUID, str] = field(default_factory=dict)
    answered: threading.Event = field(default_factory=threading.Event)

    def all_failed(self, problem: str) -> dict[UUID, str]:
        return {letter.envelope.message_id: problem for letter in self.letters}

    def answer(self, letter: Letter, problem: str | None) -> None:
        if problem is not None:
            self.failed[letter.envelope.message_id] = problem
        self.unanswered -= 1
        if self.unanswered == 0:
            self.answered.set()


class Publisher:
    """One channel in confirm mode, opened when it is needed and shared by all threads."""

    def __init__(self, server: Server, timeout_seconds: float) -> None:
        self._server = server
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._link: Link | None = None
        self._ready = threading.Event()
        # Only the link's thread touches these:
        self._channel: Channel | None = None
        self._next_tag = 1
        self._unconfirmed: dict[int, tuple[_Batch, Letter]] = {}
        self._returned: set[str] = set()

    def send(self, letters: Sequence[Letter], unknown: Collection[UUID] = ()) -> None:
        """Returns when all are confirmed. Raises NotPublishedError, also for the unknown ones that cannot be sent."""
        failed = dict.fromkeys(unknown, HOMELESS) | (self._send_all(letters) if letters else {})
        if failed:
            raise NotPublishedError(failed, next(iter(failed.values())))

    def _send_all(self, letters: Sequence[Letter]) -> dict[UUID, str]:
        batch = _Batch(letters, len(letters))
        link = self._open_link()
        if not self._ready.wait(READY_SECONDS):
            return batch.all_failed("RabbitMQ is not connected")
        link.call(lambda: self._send(batch))
        if not batch.answered.wait(self._timeout_seconds):
            return batch.all_failed("RabbitMQ does not confirm")
        if HOMELESS in batch.failed.values():
            self._server.declare()  # somebody has deleted a queue: better luck with the next batch
        return batch.failed

    def close(self) -> None:
        """Ends the connection; the next batch would open another."""
        with self._lock:
            link, self._link = self._link, None
        if link is not None:
            link.close()

    def _open_link(self) -> Link:
        with self._lock:
            if self._link is None:
                self._link = Link(self._server, self._opened, self._lost)
            return self._link

    def _opened(self, channel: Channel) -> None:
        channel.confirm_delivery(self._on_confirm)
        channel.add_on_return_callback(self._on_return)
        self._channel, self._next_tag = channel, 1
        self._ready.set()

    def _lost(self) -> None:
        self._ready.clear()
        self._channel = None
        unconfirmed, self._unconfirmed = self._unconfirmed, {}
        self._returned.clear()
        for batch, letter in unconfirmed.values():
            batch.answer(letter, "the connection to RabbitMQ broke")

    def _send(self, batch: _Batch) -> None:
        for letter in batch.letters:
            if self._channel is None or not self._channel.is_open:
                batch.answer(letter, "the connection to RabbitMQ broke")
                continue
            self._unconfirmed[self._next_tag] = (batch, letter)
            self._next_tag += 1
            self._channel.basic_publish(
                letter.exchange,
                letter.routing_key,
                letter.envelope.payload,
                properties_of(letter.envelope, failures=letter.failures, reason=letter.reason),
                mandatory=letter.must_arrive,
            )

    def _on_return(self, _channel: Channel, _method: Any, properties: Any, _body: bytes) -> None:
        self._returned.add(properties.message_id)  # its confirm follows

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        problem = "RabbitMQ refused it" if isinstance(method, Basic.Nack) else None
        for tag in self._tags(method):
            batch, letter = self._unconfirmed.pop(tag)
            if (message_id := str(letter.envelope.message_id)) in self._returned:
                self._returned.discard(message_id)
                batch.answer(letter, HOMELESS)
            else:
                batch.answer(letter, problem)

    def _tags(self, method: Any) -> list[int]:
        if not method.multiple:
            return [method.delivery_tag]
        tags = []
        for tag in self._unconfirmed:  # in the order of sending
            if tag > method.delivery_tag:
                break
            tags.append(tag)
        return tags
