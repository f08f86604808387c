"""The door's rule: in and out take turns. Values in; what is to be written, or a refusal, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chassis.errors import Conflict

Kind = Literal["in", "out"]


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


def admit(known: Sequence[Passage], new: Sequence[Passage], *, is_told_again: bool = False) -> list[Passage]:
    """The passages to add, in the order of time. With `is_told_again` those that are known already are left out.

    Raises AlreadyCheckedIn with time and door of the first entry, NotCheckedIn for a way out without one in.
    """
    seen = {(passage.kind, passage.at) for passage in known} if is_told_again else set()
    inside: Passage | None = None
    for passage in sorted(known):
        inside = passage if passage.kind == "in" else None
    added: list[Passage] = []
    for passage in sorted(new):
        if (passage.kind, passage.at) in seen:
            continue
        if passage.kind == "in" and inside is not None:
            raise _twice(inside)
        if passage.kind == "out" and inside is None:
            raise NotCheckedIn("This ticket has not been checked in, so it cannot be checked out.")
        inside = passage if passage.kind == "in" else None
        added.append(passage)
    return added


def _twice(first: Passage) -> AlreadyCheckedIn:
    at = first.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    where = f" at {first.door}" if first.door else ""
    return AlreadyCheckedIn(f"This ticket was already checked in on {at}{where}.", meta={"at": at, "door": first.door})
