"""Numbers for rows to be, drawn from their sequences in blocks: a row whose number is known needs no answer to go on."""

import threading
from collections import deque

from chassis import db


class Numbers:
    """The next numbers of one sequence. Numbers that a process has drawn and not used when it ends are never used."""

    def __init__(self, sequence: str, block: int) -> None:
        self._sequence, self._block = sequence, block
        self._lock = threading.Lock()
        self._drawn: deque[int] = deque()

    def take(self, count: int) -> list[int]:
        """Numbers that nobody else gets, in rising order. Opens a connection of its own now and then: not in a transaction."""
        with self._lock:
            if len(self._drawn) < count:
                self._draw(max(count, self._block))
            return sorted(self._drawn.popleft() for _ in range(count))

    def forget(self) -> None:
        """Gives up what was drawn; for tests, whose sequences start anew."""
        with self._lock:
            self._drawn.clear()

    def _draw(self, count: int) -> None:
        statement = f"SELECT nextval('{self._sequence}') FROM generate_series(1, %s)"  # noqa: S608 (our own names)
        self._drawn.extend(row[0] for row in db.look(statement, (count,)))


orders = Numbers("orders_id_seq", 100)
attendees = Numbers("attendees_id_seq", 300)
