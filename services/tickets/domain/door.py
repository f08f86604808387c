"""The door's rule: in and out take turns, each day. Values in; what is to be written, or a refusal, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

from chassis.errors import Conflict

Kind = Literal["in", "out"]
DAY_BEGINS = timedelta(hours=5)  # at five in the morning: a night belongs to the evening before

CLOCKS_DIFFER = timedelta(minutes=10)  # at most, those of two doors


class AlreadyCheckedIn(Conflict):
    code = "already-checked-in"


class NotCheckedIn(Conflict):
    code = "not-checked-in"


class TicketRevoked(Conflict):
    code = "ticket-revoked"


@dataclass(frozen=True, order=True)
class Passage:
    """One way through a door."""

    at: datetime
    kind: Kind
    door: str = ""


def admit(
    known: Sequence[Passage], new: Sequence[Passage], *, zone: tzinfo = UTC, is_told_again: bool = False
) -> list[Passage]:
    """The passages to add, in the order of time. With `is_told_again` those that are known already are left out.

    `known` comes in the order in which it was told, and that decides: the clocks of two doors differ. A door without a
    network tells late: what it tells is taken, too, where it fits in between by its time. Each day is counted for
    itself, since nobody is seen going home in the evening.
    Raises AlreadyCheckedIn with time and door of the first entry, NotCheckedIn for a way out without one in.
    """
    seen = {(passage.kind, passage.at) for passage in known} if is_told_again else set()
    added = [passage for passage in sorted(new) if (passage.kind, passage.at) not in seen]
    refusal = _refusal(known, added, zone)
    if refusal is not None and _refusal([], sorted([*known, *added]), zone) is not None:
        raise refusal
    return added


def _refusal(known: Sequence[Passage], new: Sequence[Passage], zone: tzinfo) -> Conflict | None:
    inside: dict[date, list[Passage]] = {}
    for passage in known:
        _pass(inside, passage, zone)
    for passage in new:
        if passage.kind == "in" and (entries := inside.get(_day(passage, zone))):
            return _twice(min(entries))
        if not _pass(inside, passage, zone):
            return NotCheckedIn("This ticket has not been checked in, so it cannot be checked out.")
    return None


def _pass(inside: dict[date, list[Passage]], passage: Passage, zone: tzinfo) -> bool:
    """Notes by day who is inside. False, and nothing changes, for a way out of somebody who is not."""
    today = _day(passage, zone)
    if passage.kind == "in":
        inside.setdefault(today, []).append(passage)
        return True
    before = [entry for entry in inside.get(today, ()) if entry.at <= passage.at + CLOCKS_DIFFER]
    earlier = [day for day in inside if day < today]
    if before:
        inside[today].remove(min(before))
    for day in earlier:
        del inside[day]
    return bool(before or earlier)


def _day(passage: Passage, zone: tzinfo) -> date:
    return (passage.at.astimezone(zone).replace(tzinfo=None) - DAY_BEGINS).date()


def _twice(first: Passage) -> AlreadyCheckedIn:
    at = first.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    where = f" at {first.door}" if first.door else ""
    return AlreadyCheckedIn(f"This ticket was already checked in on {at}{where}.", meta={"at": at, "door": first.door})
