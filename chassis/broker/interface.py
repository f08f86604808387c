"""What a broker promises. RabbitMQ and the embedded queue promise the same, and one contract test holds both to it.

Every message is delivered at least once to each service that hears its type, in no particular order; broadcasts reach
every process that listens. All methods may be called from any thread. Those that run until `stop` is set survive
restarts of the broker by themselves.
"""

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID

from chassis.messages import Envelope


class Verdict(Enum):
    """What a hearer says about a message it was given."""

    DONE = "done"  # handled, or had been before: never deliver it again
    RETRY = "retry"  # failed: deliver again after the next delay of the schedule, at last give up
    DEAD = "dead"  # can never succeed: put aside for a person
    PAUSE = "pause"  # something it needs is down: deliver again soon, and do not count this as a failure


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict and, for the person who looks at a dead letter, the reason."""

    verdict: Verdict
    reason: str = ""


Handle = Callable[[Sequence[Envelope]], Sequence[Outcome]]
Hear = Callable[[Envelope], None]


@dataclass(frozen=True)
class Timing:
    """How patient a broker is. The defaults give a message two hours of failing before it is put aside."""

    retry_delays_seconds: tuple[float, ...] = (1, 5, 15, 60, *[300] * 26)
    pause_seconds: float = 1
    longest_pause_seconds: float = 15
    confirm_timeout_seconds: float = 20
    broadcast_window_seconds: float = 60


@dataclass(frozen=True)
class DeadLetter:
    """A message that its hearer could not handle."""

    envelope: Envelope
    reason: str
    since: datetime | None


@dataclass(frozen=True)
class Depth:
    """How many messages wait in a queue, and for how long the oldest has (None where the broker cannot tell)."""

    queue: str
    messages: int
    oldest_seconds: float | None = None


class BrokerDownError(Exception):
    """The broker does not answer. What was asked may or may not have happened."""


class NotPublishedError(Exception):
    """These messages are not confirmed, and may or may not arrive; all others of the batch are safe."""

    def __init__(self, message_ids: Collection[UUID], reason: str) -> None:
        super().__init__(f"{len(message_ids)} messages not confirmed: {reason}")
        self.message_ids = frozenset(message_ids)
        self.reason = reason


class Broker(Protocol):
    """Made by `chassis.broker.connect`. Nothing connects before the first call that needs it."""

    def declare(self) -> None:
        """Creates every queue and binding of the catalogue that is not there. Raises BrokerDownError.

        Publishing, consuming and listening declare by themselves, also after each reconnect; call it to know early.
        """

    def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Returns when every message is stored durably in the queue of each hearer; broadcasts are on their way.

        Raises NotPublishedError when some are not confirmed or have no queue to go to.
        """

    def consume(self, service: str, handle: Handle, *, stop: threading.Event, prefetch: int = 50) -> None:
        """Delivers the messages of a service in batches of at most `prefetch` until `stop` is set.

        What was delivered and not answered when the process dies is delivered again. An exception from `handle`
        counts as a failure of the whole batch.
        """

    def listen(self, hear: Hear, *, stop: threading.Event, ready: threading.Event | None = None) -> None:
        """Calls `hear` with every broadcast until `stop` is set; sets `ready` when none can be missed any more.

        A connection lost for less than the window misses nothing; some may be heard twice. Exceptions are logged.
        """

    def depths(self) -> list[Depth]:
        """All queues, those of dead letters too. Raises BrokerDownError."""

    def dead_letters(self, service: str, limit: int = 100) -> list[DeadLetter]:
        """The oldest dead letters of a service. Raises BrokerDownError."""

    def requeue(self, service: str, message_ids: Collection[UUID] | None = None) -> int:
        """Gives these dead letters (all without `message_ids`) to the service again, as if new. Returns how many."""

    def purge(self, service: str, message_ids: Collection[UUID] | None = None) -> int:
        """Forgets these dead letters (all without `message_ids`). Returns how many."""

    def close(self) -> None:
        """Ends the connection that publishes."""
