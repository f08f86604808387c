"""From what a hearer says to what a broker does: one reading of verdicts for every broker."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from chassis.broker.interface import Handle, Outcome, Verdict
from chassis.messages import Envelope

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ruling:
    """What to do with each message of a batch, by its place in the batch."""

    done: list[int] = field(default_factory=list)
    retries: list[tuple[int, float, str]] = field(default_factory=list)  # place, delay in seconds, reason
    dead: list[tuple[int, str]] = field(default_factory=list)
    paused: list[int] = field(default_factory=list)


def rule(handle: Handle, batch: Sequence[Envelope], retry_delays_seconds: Sequence[float]) -> Ruling:
    """Hands the batch over and reads the answer. Whoever has used up all retries is dead."""
    ruling = Ruling()
    for place, (envelope, outcome) in enumerate(zip(batch, _ask(handle, batch), strict=True)):
        if outcome.verdict is Verdict.DONE:
            ruling.done.append(place)
        elif outcome.verdict is Verdict.PAUSE:
            ruling.paused.append(place)
        elif outcome.verdict is Verdict.RETRY and envelope.failures < len(retry_delays_seconds):
            ruling.retries.append((place, retry_delays_seconds[envelope.failures], outcome.reason))
        else:
            ruling.dead.append((place, outcome.reason))
            log.error(
                "dead letter",
                extra={"type": envelope.type, "message_id": str(envelope.message_id), "reason": outcome.reason},
            )
    return ruling


def _ask(handle: Handle, batch: Sequence[Envelope]) -> Sequence[Outcome]:
    try:
        return handle(batch)
    except Exception as error:
        log.exception("a whole batch failed")
        return [Outcome(Verdict.RETRY, repr(error))] * len(batch)
