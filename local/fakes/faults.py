"""What shall go wrong, on demand: the next matching calls or webhooks, counted down, kept in the books."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Self

import orjson

from local.fakes.books import Books

CALL_FAULTS = ("lose-answer", "reset", "error", "delay", "decline")
WEBHOOK_FAULTS = ("drop", "delay", "duplicate", "reorder")


class BadFault(ValueError):
    """A fault that nobody could act on."""


@dataclass
class Fault:
    """With `event` it is about webhooks, else about calls.

    Calls: `reset` breaks the connection before the work; `lose-answer` does the work and hangs up; `error` answers
    `status` before or after the work; `delay` waits before or after it; `decline` says no with `code`. Every one of
    them first waits `seconds`. Webhooks: `drop` never delivers, `delay` waits `seconds`, `duplicate` delivers `times`
    more, `reorder` holds `count` of them back and then delivers the last one first.
    """

    fault: str
    method: str = "*"
    path: str = "*"
    event: str | None = None
    count: int | None = 1  # None: until it is deleted
    skip: int = 0  # lets so many through first
    when: str = "before"
    seconds: float = 0
    status: int = 500
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None
    times: int = 1
    id: int = 0

    @classmethod
    def read(cls, wish: Mapping[str, Any]) -> Self:
        """Raises BadFault, saying what is wrong with the wish."""
        unknown = set(wish) - {field.name for field in fields(cls)} | ({"id"} & set(wish))
        if unknown:
            raise BadFault(f"Unknown: {', '.join(sorted(unknown))}.")
        known = WEBHOOK_FAULTS if wish.get("event") else CALL_FAULTS
        if wish.get("fault") not in known:
            raise BadFault(f"fault is one of {', '.join(known)} ({'with' if wish.get('event') else 'without'} event).")
        if wish.get("when", "before") not in ("before", "after"):
            raise BadFault("when is before or after (the work).")
        if wish["fault"] == "reorder" and (wish.get("count") or 0) < 2:
            raise BadFault("reorder needs a count of at least 2.")
        return cls(**wish)

    @property
    def comes_late(self) -> bool:
        """After the work, when nothing can be undone."""
        return self.when == "after" or self.fault == "lose-answer"

    def document(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The open wishes in the order they were made. One call or webhook is hit by the first that matches."""

    def __init__(self, books: Books) -> None:
        self._books = books
        rows = books.db.execute("SELECT id, body FROM faults ORDER BY id")
        self.open = [Fault(**{**orjson.loads(body), "id": identifier}) for identifier, body in rows]

    def add(self, fault: Fault) -> Fault:
        cursor = self._books.db.execute("INSERT INTO faults (body) VALUES (?)", (orjson.dumps(fault.document()),))
        fault.id = cursor.lastrowid or 0
        self.open.append(fault)
        return fault

    def remove(self, identifier: int | None = None) -> None:
        """One, or all of them."""
        for fault in [fault for fault in self.open if identifier in (None, fault.id)]:
            self._close(fault)

    def forget(self) -> None:
        """After the books themselves were emptied."""
        self.open.clear()

    def hit_call(self, method: str, path: str) -> Fault | None:
        matching = (
            fault
            for fault in list(self.open)
            if fault.event is None and fnmatchcase(method, fault.method) and fnmatchcase(path, fault.path)
        )
        return next((fault for fault in matching if self._use(fault)), None)

    def hit_webhook(self, event_type: str) -> Fault | None:
        matching = (f for f in list(self.open) if f.event is not None and fnmatchcase(event_type, f.event))
        return next((fault for fault in matching if self._use(fault)), None)

    def _use(self, fault: Fault) -> bool:
        if fault.skip > 0:
            fault.skip -= 1
            self._save(fault)
            return False
        if fault.count is not None:
            fault.count -= 1
            if fault.count <= 0:
                self._close(fault)
            else:
                self._save(fault)
        return True

    def _save(self, fault: Fault) -> None:
        self._books.db.execute("UPDATE faults SET body = ? WHERE id = ?", (orjson.dumps(fault.document()), fault.id))

    def _close(self, fault: Fault) -> None:
        self.open.remove(fault)
        self._books.db.execute("DELETE FROM faults WHERE id = ?", (fault.id,))
