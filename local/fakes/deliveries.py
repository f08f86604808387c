"""Webhooks still to be delivered, and those that were: rows in the books, added in the transaction of their cause."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from local.fakes.books import Books
from local.fakes.faults import Fault, Faults

FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 60.0

# A delivery that waits its turn `behind` another is not ready before that one has arrived.
_READY = """
    state = 'waiting' AND NOT EXISTS
    (SELECT 1 FROM deliveries AS first WHERE first.id = d.behind AND first.state = 'waiting')
"""


@dataclass(frozen=True)
class Subscription:
    """Where the events go whose type matches one of the patterns."""

    url: str
    secret: str
    types: Sequence[str] = ("*",)

    def wants(self, event_type: str) -> bool:
        return any(fnmatchcase(event_type, pattern) for pattern in self.types)


@dataclass(frozen=True)
class Delivery:
    id: int
    event: str
    type: str
    url: str
    secret: str
    body: bytes
    attempts: int


class Deliveries:
    """The queue. `added` is called whenever something may have become due."""

    def __init__(self, books: Books, faults: Faults) -> None:
        self._db = books.db
        self._faults = faults
        self.added: Callable[[], None] = lambda: None

    def add(self, event: str, type_: str, body: bytes, to: Subscription) -> None:
        """To be called inside the transaction that the event is about."""
        if not to.wants(type_):
            return
        fault = self._faults.hit_webhook(type_)
        kind = fault.fault if fault else ""
        state = {"drop": "dropped", "reorder": "held"}.get(kind, "waiting")
        due = time.time() + (fault.seconds if fault else 0)
        copies = 1 + (fault.times if fault and kind == "duplicate" else 0)
        for _ in range(copies):
            self._db.execute(
                "INSERT INTO deliveries (event, type, url, secret, body, state, due, fault) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (event, type_, to.url, to.secret, body, state, due, fault.id if fault else None),
            )
        if fault and kind == "reorder" and not fault.count:
            self.release(fault)
        self.added()

    def release(self, fault: Fault | None = None) -> None:
        """Lets what is held back go, the last one first, each only after the one before it has arrived."""
        held = self._db.execute(
            "SELECT id FROM deliveries WHERE state = 'held' AND (? IS NULL OR fault = ?) ORDER BY id DESC",
            (fault and fault.id, fault and fault.id),
        ).fetchall()
        behind: int | None = None
        for (identifier,) in held:
            self._db.execute(
                "UPDATE deliveries SET state = 'waiting', due = ?, behind = ? WHERE id = ?",
                (time.time(), behind, identifier),
            )
            behind = identifier
        self.added()

    def due(self, at_most: int, *, but_not: Collection[int]) -> list[Delivery]:
        rows = self._db.execute(
            "SELECT id, event, type, url, secret, body, attempts FROM deliveries AS d "  # noqa: S608 (a constant)
            f"WHERE due <= ? AND {_READY} ORDER BY due, id LIMIT ?",
            (time.time(), at_most + len(but_not)),
        )
        return [Delivery(*row) for row in rows if row[0] not in but_not][:at_most]

    def seconds_until_next(self, *, but_not: Collection[int]) -> float | None:
        """None when nothing waits."""
        rows = self._db.execute(
            f"SELECT id, due FROM deliveries AS d WHERE {_READY} ORDER BY due LIMIT ?",  # noqa: S608 (a constant)
            (1 + len(but_not),),
        )
        return next((max(0.0, due - time.time()) for identifier, due in rows if identifier not in but_not), None)

    def arrived(self, delivery: Delivery, status: int) -> None:
        self._db.execute(
            "UPDATE deliveries SET state = 'delivered', status = ?, attempts = attempts + 1 WHERE id = ?",
            (status, delivery.id),
        )

    def failed(self, delivery: Delivery, status: int | None) -> None:
        """Comes again later, and later still."""
        pause = min(FIRST_RETRY_SECONDS * 2**delivery.attempts, LONGEST_RETRY_SECONDS)
        self._db.execute(
            "UPDATE deliveries SET due = ?, status = ?, attempts = attempts + 1 WHERE id = ?",
            (time.time() + pause, status, delivery.id),
        )

    def listed(self) -> list[dict[str, Any]]:
        """For the checker, in the order of their causes."""
        rows = self._db.execute("SELECT id, event, type, url, state, attempts, status FROM deliveries ORDER BY id")
        names = ("id", "event", "type", "url", "state", "attempts", "status")
        return [dict(zip(names, row, strict=True)) for row in rows]
