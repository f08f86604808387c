"""What services may say to each other: the catalogue, read from the options in `proto/`, and the envelope."""

import importlib
import os
import pkgutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import overload
from uuid import UUID

from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

import proto
from proto import options_pb2


@dataclass(frozen=True)
class Kind:
    """One type of message: who says it, and who hears it."""

    name: str
    message_class: type[Message]
    owner: str
    hearers: tuple[str, ...] = ()
    is_broadcast: bool = False
    is_for_outsiders: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message on its way. `failures` counts how often its hearer has failed so far."""

    message_id: UUID
    type: str
    key: str
    request_id: str
    traceparent: str
    occurred_at: datetime
    payload: bytes
    failures: int = 0


class UndeclaredMessageError(TypeError):
    """A type that says none of `heard_by`, `broadcast`, `for_outsiders` in proto/ cannot be published or consumed."""


class Catalogue:
    """All kinds of messages. Queues and bindings derive from it."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = {kind.name: kind for kind in kinds}

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds.values())

    def kind(self, name: str) -> Kind:
        """The kind with this full name. Raises UndeclaredMessageError."""
        try:
            return self._kinds[name]
        except KeyError:
            raise UndeclaredMessageError(
                f"{name} declares none of heard_by, broadcast and for_outsiders in proto/"
            ) from None

    def knows(self, envelope: Envelope) -> bool:
        """Whether its type is declared: another version of the program may have written it."""
        return envelope.type in self._kinds

    def heard_by(self, service: str) -> list[Kind]:
        """What this service has to handle."""
        return [kind for kind in self._kinds.values() if service in kind.hearers]

    @property
    def services(self) -> list[str]:
        """Those who hear something: each has a queue of its own name."""
        return sorted({service for kind in self._kinds.values() for service in kind.hearers})

    @property
    def bindings(self) -> list[tuple[str, str]]:
        """Which type goes into which queue."""
        return [(kind.name, service) for kind in self._kinds.values() for service in kind.hearers]


@cache
def catalogue() -> Catalogue:
    """What the files in `proto/` declare."""
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(proto.__path__, "proto.")
        if found.name.endswith("_pb2")
    ]
    return Catalogue(kind for module in modules for kind in kinds_in(module.DESCRIPTOR))


def kinds_in(file: FileDescriptor) -> list[Kind]:
    """The published messages of one .proto file; its other messages are parts, requests and replies."""
    owner = file.package.rpartition(".")[2]
    published = (_kind(message, owner) for message in file.message_types_by_name.values())
    return [kind for kind in published if kind.hearers or kind.is_broadcast or kind.is_for_outsiders]


def _kind(message: Descriptor, owner: str) -> Kind:
    options = message.GetOptions()
    return Kind(
        name=message.full_name,
        message_class=GetMessageClass(message),
        owner=owner,
        hearers=tuple(options.Extensions[options_pb2.heard_by]),
        is_broadcast=options.Extensions[options_pb2.broadcast],
        is_for_outsiders=options.Extensions[options_pb2.for_outsiders],
    )


def new_id() -> UUID:
    """A UUID of version 7: random, and later ones sort after earlier ones, which keeps indexes small."""
    bits = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10))
    return UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def decode(kind: Kind, envelope: Envelope) -> Message:
    """The message inside. Raises google.protobuf.message.DecodeError."""
    return kind.message_class.FromString(envelope.payload)


@overload
def to_stamp(at: datetime) -> Timestamp: ...
@overload
def to_stamp(at: datetime | None) -> Timestamp | None: ...
def to_stamp(at: datetime | None) -> Timestamp | None:
    """A time as messages carry it; None leaves the field unset."""
    if at is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def from_stamp(stamp: Timestamp) -> datetime | None:
    """The time of a message's field, in UTC; None where the field is unset."""
    return stamp.ToDatetime(tzinfo=UTC) if stamp.seconds or stamp.nanos else None


def ids(envelopes: Sequence[Envelope]) -> frozenset[UUID]:
    """The message ids of these envelopes."""
    return frozenset(envelope.message_id for envelope in envelopes)
