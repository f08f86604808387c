"""What a service hears: once per message and handler, in one commit with the effect.

`consumers.py` marks its functions with `@consumes(OrderPaid)`; the broker hands batches to the `Dispatcher`. Brokers
deliver at least once; the table `inbox` remembers what was handled, so that a repeat has no effect.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import ModuleType
from typing import Any, TypeVar
from uuid import UUID

from google.protobuf.message import DecodeError, Message
from sqlalchemy import Column, DateTime, Table, Text, Uuid
from sqlalchemy.orm import Session

from chassis import clock, context, db, messages, metrics, tables, tracing
from chassis.broker.interface import Outcome, Verdict
from chassis.errors import DomainError, Unavailable
from chassis.messages import Catalogue, Envelope, UndeclaredMessageError

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Message)
Handler = Callable[[Session, Any], None]
Hearer = Callable[[Any], None]

KEPT = timedelta(days=14)  # far longer than any message is retried

inbox = Table(
    "inbox",
    tables.metadata,
    Column("message_id", Uuid, primary_key=True),
    Column("handler", Text, primary_key=True),
    Column("handled_at", DateTime(timezone=True), nullable=False),
)

_DONE = Outcome(Verdict.DONE)
# Time-outs of statement, lock and idleness; serialization failures and deadlocks.
_OWN_FAULT = frozenset({"57014", "55P03", "25P03", "40001", "40P01"})
_REMEMBER = """
INSERT INTO inbox (message_id, handler, handled_at)
SELECT message_id, handler, %s FROM unnest(%s::uuid[], %s::text[]) AS new (message_id, handler)
ON CONFLICT DO NOTHING RETURNING message_id, handler
"""
_FORGET = """
DELETE FROM inbox WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM inbox WHERE message_id < %s AND handled_at < %s ORDER BY message_id LIMIT %s
)) RETURNING 1
"""


def consumes(kind: type[M]) -> Callable[[Callable[[Session, M], None]], Callable[[Session, M], None]]:
    """Marks the function that handles messages of this type. It gets a transaction and the message, and never commits.

    A refusal (DomainError) puts the message aside at once; Unavailable waits; any other failure is retried with delay.
    """

    def mark(function: Callable[[Session, M], None]) -> Callable[[Session, M], None]:
        function.__dict__["__consumes__"] = kind
        return function

    return mark


def hears(kind: type[M]) -> Callable[[Callable[[M], None]], Callable[[M], None]]:
    """Marks a function that every process calls when a broadcast of this type comes. It has no transaction."""

    def mark(function: Callable[[M], None]) -> Callable[[M], None]:
        function.__dict__["__hears__"] = kind
        return function

    return mark


def consumers_in(modules: Iterable[ModuleType]) -> list[Handler]:
    """The functions that `@consumes` marks in these modules."""
    return [thing for module in modules for thing in vars(module).values() if hasattr(thing, "__consumes__")]


def hearers_in(modules: Iterable[ModuleType]) -> list[Hearer]:
    """The functions that `@hears` marks in these modules."""
    return [thing for module in modules for thing in vars(module).values() if hasattr(thing, "__hears__")]


class Dispatcher:
    """Handles batches of one service: in one transaction if all goes well, else in one per message."""

    def __init__(self, service: str, handlers: Sequence[Handler], catalogue: Catalogue | None = None) -> None:
        """Raises LookupError when a type that the service hears has no handler, or a handler no such type."""
        self._service = service
        self._catalogue = catalogue or messages.catalogue()
        heard = {kind.name for kind in self._catalogue.heard_by(service)}
        self._handlers: dict[str, list[tuple[str, Handler]]] = {name: [] for name in heard}
        for handler in handlers:
            name = handler.__dict__["__consumes__"].DESCRIPTOR.full_name
            if name not in heard:
                raise LookupError(f"{_name(handler)} handles {name}, which proto/ does not say {service} hears")
            self._handlers[name].append((_name(handler), handler))
        if deaf := sorted(name for name, found in self._handlers.items() if not found):
            raise LookupError(f"{service} hears {', '.join(deaf)} but has no handler for it")

    def __call__(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """What the broker is told about each message. Never raises."""
        fresh = [envelope for envelope in envelopes if not envelope.failures]
        done = messages.ids(fresh) if len(fresh) > 1 and self._succeeds(fresh) else frozenset[UUID]()
        outcomes: list[Outcome] = []
        is_database_down = False
        for envelope in envelopes:
            if envelope.message_id in done:
                outcomes.append(_DONE)
            elif is_database_down:
                outcomes.append(Outcome(Verdict.PAUSE))
            else:
                outcome, is_database_down = self._handle_one(envelope)
                outcomes.append(outcome)
            metrics.messages_handled.labels(envelope.type, outcomes[-1].verdict.value).inc()
            self._note(envelope, outcomes[-1])
        return outcomes

    def _note(self, envelope: Envelope, outcome: Outcome) -> None:
        """A line that names the message and what it is about: with those of the outbox, an order's way through the services."""
        metrics.message_age_seconds.labels(envelope.type).observe((clock.now() - envelope.occurred_at).total_seconds())
        with _context_of(envelope):
            log.info("message heard", extra={"type": envelope.type, "outcome": outcome.verdict.value})

    def _succeeds(self, envelopes: Sequence[Envelope]) -> bool:
        try:
            with db.transaction() as session:
                self._handle(session, envelopes)
        except Exception as error:  # noqa: BLE001 (whose fault it was shows when each is handled alone)
            log.info("a batch failed, its messages are handled singly", extra={"error": repr(error)})
            return False
        return True

    def _handle_one(self, envelope: Envelope) -> tuple[Outcome, bool]:
        with _context_of(envelope):
            try:
                db.run(lambda session: self._handle(session, [envelope]))
            except Exception as error:
                outcome = outcome_of(error)
                level = logging.INFO if outcome.verdict is Verdict.PAUSE else logging.WARNING
                log.log(level, "message not handled", exc_info=error, extra={"outcome": outcome.verdict.value})
                return outcome, outcome.verdict is Verdict.PAUSE and error.__cause__ is not None
        return _DONE, False

    def _handle(self, session: Session, envelopes: Sequence[Envelope]) -> None:
        new = self._remember(session, envelopes)
        for envelope in envelopes:
            message = messages.decode(self._catalogue.kind(envelope.type), envelope)
            with _context_of(envelope):
                for name, handler in self._handlers_of(envelope):
                    if (envelope.message_id, name) in new:
                        new.remove((envelope.message_id, name))
                        with _span_of(envelope):
                            handler(session, message)

    def _remember(self, session: Session, envelopes: Sequence[Envelope]) -> set[tuple[UUID, str]]:
        """Of all pairs of message and handler, those that are new. Sorted, so that two batches cannot deadlock."""
        pairs = sorted({(each.message_id, name) for each in envelopes for name, _ in self._handlers_of(each)})
        values = (clock.now(), [message_id for message_id, _ in pairs], [name for _, name in pairs])
        return {(row.message_id, row.handler) for row in db.execute(session, _REMEMBER, values)}

    def _handlers_of(self, envelope: Envelope) -> list[tuple[str, Handler]]:
        try:
            if self._service not in self._catalogue.kind(envelope.type).hearers:
                return []  # a queue is still bound to what an older program heard
            return self._handlers[envelope.type]
        except (KeyError, UndeclaredMessageError):
            # A newer program says it; ours may be replaced by one that knows it before the retries end.
            raise LookupError(f"nobody here handles {envelope.type or 'a message without type'}") from None


class Ears:
    """Passes broadcasts on to the functions that hear their type."""

    def __init__(self, hearers: Sequence[Hearer], catalogue: Catalogue | None = None) -> None:
        self._catalogue = catalogue or messages.catalogue()
        self._hearers: dict[str, list[Hearer]] = {}
        for hearer in hearers:
            name = hearer.__dict__["__hears__"].DESCRIPTOR.full_name
            if not self._catalogue.kind(name).is_broadcast:
                raise LookupError(f"{_name(hearer)} hears {name}, which is not broadcast")
            self._hearers.setdefault(name, []).append(hearer)

    def __call__(self, envelope: Envelope) -> None:
        """Calls everybody, also when one of them fails."""
        for hearer in self._hearers.get(envelope.type, ()):
            with _context_of(envelope):
                try:
                    hearer(messages.decode(self._catalogue.kind(envelope.type), envelope))
                except Exception:
                    log.exception("a broadcast was not heard", extra={"hearer": _name(hearer)})


def outcome_of(error: Exception) -> Outcome:
    """What a failed handler means for its message."""
    if isinstance(error, Unavailable):
        sqlstate = getattr(getattr(error.__cause__, "orig", None), "sqlstate", None)
        # A statement that is too slow, or a lock that nobody gives up, would be so for ever: that counts.
        verdict = Verdict.RETRY if sqlstate in _OWN_FAULT else Verdict.PAUSE
        return Outcome(verdict, f"{error.code}: {error.detail}")
    if isinstance(error, DomainError):
        return Outcome(Verdict.DEAD, f"{error.code}: {error.detail}")
    if isinstance(error, DecodeError):
        return Outcome(Verdict.DEAD, f"unreadable: {error}")
    return Outcome(Verdict.RETRY, f"{type(error).__name__}: {error}")


def forget_old(session: Session, limit: int) -> int:
    """Removes some of what no message can repeat any more; how many rows. Message ids begin with their time of birth."""
    moment = clock.now() - KEPT
    born_before = UUID(int=int(moment.timestamp() * 1000) << 80)
    return len(db.execute(session, _FORGET, (born_before, moment, limit)))


@contextmanager
def _context_of(envelope: Envelope) -> Iterator[None]:
    tokens = (
        (context.message_id, context.message_id.set(str(envelope.message_id))),
        (context.key, context.key.set(envelope.key)),
        (context.request_id, context.request_id.set(envelope.request_id)),
        (context.traceparent, context.traceparent.set(envelope.traceparent)),
    )
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)


def _span_of(envelope: Envelope) -> tracing.Span:
    kind = envelope.type.rpartition(".")[2]
    return tracing.span(f"hear {kind}", "CONSUMER", message__id=str(envelope.message_id), message__key=envelope.key)


def _name(function: Callable[..., None]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
