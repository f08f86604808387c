"""Publish and consume. `connect` picks RabbitMQ or the embedded queue; both keep the promises of `interface.Broker`."""

from chassis.broker.interface import (
    Broker,
    BrokerDownError,
    DeadLetter,
    Depth,
    Handle,
    Hear,
    NotPublishedError,
    Outcome,
    Timing,
    Verdict,
)
from chassis.messages import Catalogue
from chassis.messages import catalogue as declared_catalogue

__all__ = [
    "Broker",
    "BrokerDownError",
    "DeadLetter",
    "Depth",
    "Handle",
    "Hear",
    "NotPublishedError",
    "Outcome",
    "Timing",
    "Verdict",
    "connect",
]


def connect(url: str, *, catalogue: Catalogue | None = None, prefix: str = "", timing: Timing | None = None) -> Broker:
    """The broker behind this URL: ``amqp://`` and ``amqps://`` are RabbitMQ, ``postgresql://`` the embedded queue.

    `prefix` begins every name in the broker, so that several systems can share one.
    """
    scheme = url.partition(":")[0].partition("+")[0]
    catalogue, timing = catalogue or declared_catalogue(), timing or Timing()
    if scheme in ("amqp", "amqps"):
        from chassis.broker.rabbitmq import RabbitBroker

        return RabbitBroker(url, catalogue, prefix=prefix, timing=timing)
    if scheme in ("postgresql", "postgres"):
        from chassis.broker.embedded import EmbeddedBroker

        return EmbeddedBroker(url, catalogue, prefix=prefix, timing=timing)
    raise ValueError(f"no broker speaks {scheme}: use amqp:// or postgresql://")
