"""Dead letters and depths: what an operator sees of RabbitMQ, without its management plugin."""

from collections.abc import Callable, Collection, Iterator
from typing import Any
from uuid import UUID

from pika.adapters.blocking_connection import BlockingChannel

from chassis.broker.interface import DeadLetter, Depth
from chassis.broker.rabbitmq.topology import Topology
from chassis.broker.rabbitmq.wire import envelope_from, properties_of, reason_from
from chassis.messages import Envelope


def depths(channel: BlockingChannel, topology: Topology) -> list[Depth]:
    """Every durable queue. AMQP cannot tell how old a message is."""
    return [Depth(name.removeprefix(topology.prefix), _count(channel, name)) for name in sorted(topology.queues())]


def dead_letters(channel: BlockingChannel, topology: Topology, service: str, limit: int) -> list[DeadLetter]:
    """Takes them out to look at; they go back when the channel closes."""
    queue = topology.dead(service)
    found = _take(channel, queue, min(limit, _count(channel, queue)))
    return [DeadLetter(envelope, reason_from(properties), None) for _tag, properties, envelope in found]


def requeue(channel: BlockingChannel, topology: Topology, service: str, message_ids: Collection[UUID] | None) -> int:
    """Each is in its old queue before it leaves that of the dead."""
    channel.confirm_delivery()

    def publish(envelope: Envelope) -> None:
        properties = properties_of(envelope, failures=0)
        channel.basic_publish("", topology.queue(service), envelope.payload, properties, mandatory=True)

    return _remove(channel, topology.dead(service), message_ids, publish)


def purge(channel: BlockingChannel, topology: Topology, service: str, message_ids: Collection[UUID] | None) -> int:
    """Each is acknowledged, and so gone."""
    return _remove(channel, topology.dead(service), message_ids, lambda envelope: None)


def _remove(
    channel: BlockingChannel, queue: str, message_ids: Collection[UUID] | None, before: Callable[[Envelope], None]
) -> int:
    removed = 0
    for tag, _properties, envelope in _take(channel, queue, _count(channel, queue)):
        if message_ids is None or envelope.message_id in message_ids:
            before(envelope)
            channel.basic_ack(tag)
            removed += 1
    return removed


def _take(channel: BlockingChannel, queue: str, count: int) -> Iterator[tuple[int, Any, Envelope]]:
    for _ in range(count):
        method, properties, body = channel.basic_get(queue)
        if method is None:
            return
        yield method.delivery_tag, properties, envelope_from(properties, body)


def _count(channel: BlockingChannel, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count)
