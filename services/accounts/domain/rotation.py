"""Refreshing: each generation of a session's tokens is exchanged once for the next; a second use gives it away.

A generation is shown by its refresh token. Existing web clients keep the first refresh token for good and send the `csrf`
claim of their newest access token along: there the csrf shows the generation, and an old pair counts as reused just so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from hmac import compare_digest

REPEATED = timedelta(seconds=30)  # a lost answer or a second tab: the same successor again


class Step(Enum):
    """What becomes of a request to refresh."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    END = "end"


@dataclass(frozen=True)
class Generation:
    """What shows a generation, and when its successor was given out first."""

    jti: str
    csrf: str
    rotated_at: datetime | None


def shown_generation(generations: Mapping[int, Generation], jti: str, csrf: str) -> int | None:
    """The newest generation that the caller can show; None when all that it shows is forgotten."""
    found = [
        number
        for number, each in generations.items()
        if compare_digest(each.jti.encode(), jti.encode()) or compare_digest(each.csrf.encode(), csrf.encode())
    ]
    return max(found, default=None)


def decide(generations: Mapping[int, Generation], current: int, shown: int | None, now: datetime) -> Step:
    """ROTATE for the current generation, REPEAT within half a minute after its rotation, else END: it was stolen."""
    if shown is None:
        return Step.END
    if shown == current:
        return Step.ROTATE
    rotated_at = generations[shown].rotated_at
    is_recent = rotated_at is not None and now - rotated_at <= REPEATED
    return Step.REPEAT if is_recent and shown + 1 in generations else Step.END
