"""What a worker does at once when a transaction of its process has left something to do, instead of at the next tick of a job.

Nothing depends on it: a wake-up that gets lost costs seconds, because the jobs look for the same rows.
"""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

_alarm = threading.Event()
_stop = threading.Event()
_thread: threading.Thread | None = None


def wake() -> None:
    """There is something to do. Costs nothing where no worker runs."""
    _alarm.set()


def start(work: Callable[[], None]) -> None:
    """Does `work` after every wake-up, in a thread of its own, until `stop`."""
    global _thread
    _stop.clear()
    _thread = threading.Thread(target=_run, args=(work,), name="errands", daemon=True)
    _thread.start()


def stop(timeout_seconds: float = 30) -> None:
    """Lets the errand that is under way end."""
    global _thread
    _stop.set()
    _alarm.set()
    if _thread is not None:
        _thread.join(timeout_seconds)
    _thread = None
    _alarm.clear()


def _run(work: Callable[[], None]) -> None:
    while True:
        _alarm.wait()
        if _stop.is_set():
            return
        _alarm.clear()
        try:
            work()
        except Exception:
            log.exception("an errand failed")
