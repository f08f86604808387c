"""Exchanges, queues and bindings, all derived from the catalogue; docs/decisions says why they look like this."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel

from chassis.messages import Catalogue

# How often a message may come back without an answer because its hearer died or was disconnected. Said aloud, since
# RabbitMQ's own default is none before 4.0 and 20 after; failures that a hearer reports are counted by us instead.
CRASH_LIMIT = 100
NO_LIMIT = 1_000_000  # looking at dead letters hands them out and takes them back


@dataclass(frozen=True)
class Topology:
    """Names and declarations."""

    catalogue: Catalogue
    prefix: str
    retry_delays_seconds: Sequence[float]

    @property
    def messages(self) -> str:
        """The exchange that knows which queues a type goes to."""
        return f"{self.prefix}messages"

    @property
    def broadcast(self) -> str:
        """The exchange that copies to every process."""
        return f"{self.prefix}broadcast"

    def queue(self, service: str) -> str:
        """Where the messages of a service wait."""
        return f"{self.prefix}{service}"

    def dead(self, service: str) -> str:
        """Where those end that it could not handle."""
        return f"{self.prefix}{service}.dead"

    def retry(self, delay_seconds: float) -> str:
        """Exchange and queue of this name: what goes in with a queue's name as routing key reaches that queue later."""
        return f"{self.prefix}retry.{delay_seconds * 1000:.0f}ms"

    def queues(self) -> Iterator[str]:
        """Every durable queue."""
        for service in self.catalogue.services:
            yield from (self.queue(service), self.dead(service))
        for delay in sorted(set(self.retry_delays_seconds)):
            yield self.retry(delay)

    def declare(self, channel: BlockingChannel) -> None:
        """Creates what is missing; raises pika's ChannelClosedByBroker where something is there in another shape."""
        channel.exchange_declare(self.messages, "direct", durable=True)
        channel.exchange_declare(self.broadcast, "fanout", durable=True)
        for service in self.catalogue.services:
            self._declare_queue(channel, self.dead(service), {"x-delivery-limit": NO_LIMIT})
            to_dead = _dead_lettering({"x-dead-letter-routing-key": self.dead(service)})
            self._declare_queue(channel, self.queue(service), {"x-delivery-limit": CRASH_LIMIT, **to_dead})
        for name, service in self.catalogue.bindings:
            channel.queue_bind(self.queue(service), self.messages, routing_key=name)
        for delay in sorted(set(self.retry_delays_seconds)):
            channel.exchange_declare(self.retry(delay), "fanout", durable=True)
            come_back = _dead_lettering({"x-message-ttl": round(delay * 1000), "x-delivery-limit": NO_LIMIT})
            self._declare_queue(channel, self.retry(delay), come_back)
            channel.queue_bind(self.retry(delay), self.retry(delay))

    def _declare_queue(self, channel: BlockingChannel, name: str, arguments: dict[str, Any]) -> None:
        channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum", **arguments})


def _dead_lettering(arguments: dict[str, Any]) -> dict[str, Any]:
    """To the default exchange, and at least once: at most once, the default, loses messages when a node fails."""
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # what at-least-once demands
        **arguments,
    }
