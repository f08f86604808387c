"""The claim of a living process on the mails that it is sending.

A server may take minutes for one mail, and a process may be killed any time: so the claim is short, and its holder renews it.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from chassis import clock
from chassis.errors import Unavailable

log = logging.getLogger(__name__)

LASTS = timedelta(seconds=30)  # a killed process holds mails up no longer
RENEWED_EVERY_SECONDS = 10.0

_RENEW = "UPDATE mail SET due_at = %s WHERE id = ANY(%s) AND status = 'queued' AND due_at = ANY(%s)"

Write = Callable[[str, tuple[Any, ...]], None]


class Lease:
    """Mails that nobody else may send before `until`, for a ``with`` block; `write` runs a statement in its own transaction.

    `times` are all ends that this lease has had: who finds another one in `due_at` no longer holds that mail.
    """

    def __init__(self, ids: Sequence[int], until: datetime, write: Write) -> None:
        self._ids = list(ids)
        self._times = [until]
        self._write = write
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="mail lease", daemon=True)

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def note(self, statement: str, *values: Any, ids: Sequence[int]) -> None:
        """Writes the outcome of some mails, if they are still ours, and lets go of them.

        `statement` ends with ``WHERE id = ANY(%s) AND due_at = ANY(%s)``.
        """
        with self._lock:
            self._write(statement, (*values, list(ids), self._times))
            self._ids = [id_ for id_ in self._ids if id_ not in ids]

    def _keep(self) -> None:
        while not self._stop.wait(RENEWED_EVERY_SECONDS):
            with self._lock:
                self._renew()

    def _renew(self) -> None:
        until = clock.now() + LASTS
        times = [*self._times, until]  # before it is known whether the answer was only lost
        self._times = times
        try:
            self._write(_RENEW, (until, self._ids, times))
        except Unavailable as error:
            log.warning("mails are not held", extra={"error": error.detail})
