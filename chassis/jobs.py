"""What the clock starts. A job runs in one process at a time, however many workers there are."""

import logging
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TypeVar

from chassis import db, metrics
from chassis.errors import Unavailable

log = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[[], None])


@dataclass(frozen=True)
class Job:
    """A function and its period. The next run starts `every_seconds` after the last one ended.

    `is_due`, where there is one, looks whether there is anything to do, before anything else is done.
    """

    name: str
    every_seconds: float
    work: Callable[[], None]
    is_due: Callable[[], bool] | None = None


def job(*, every_seconds: float, is_due: Callable[[], bool] | None = None) -> Callable[[F], F]:
    """Marks a function of `jobs.py`. It opens its own transactions and works in small steps: it may be killed anywhere.

    What runs often has an `is_due` that is cheap: a lock, a transaction and giving the lock back are three transactions.
    """

    def mark(function: F) -> F:
        name = f"{function.__module__}.{function.__qualname__}"
        function.__dict__["__job__"] = Job(name, every_seconds, function, is_due)
        return function

    return mark


def jobs_in(modules: Sequence[ModuleType]) -> list[Job]:
    """The marked functions of these modules."""
    return [thing.__job__ for module in modules for thing in vars(module).values() if hasattr(thing, "__job__")]


class Clock:
    """Runs jobs in one thread per job until stopped."""

    def __init__(self, jobs: Sequence[Job], service: str) -> None:
        self._service = service
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(each,), name=each.name, daemon=True) for each in jobs]

    def start(self) -> None:
        """Starts all jobs; the first run is at once."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_seconds: float = 10) -> None:
        """Lets running jobs finish their run, and starts none anew."""
        self._stop.set()
        deadline = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, each: Job) -> None:
        metrics.job_period.labels(self._service, each.name).set(each.every_seconds)
        # A job that has never ended well has to be seen, too: it stands still since the process started.
        metrics.job_succeeded.labels(self._service, each.name).set_to_current_time()
        while not self._stop.is_set():
            run_once(each, self._service)
            self._stop.wait(each.every_seconds)


def run_once(each: Job, service: str) -> None:
    """One run, unless another process is at it (a PostgreSQL advisory lock says so). Failures are logged, not raised."""
    key = zlib.crc32(each.name.encode())
    try:
        if each.is_due is not None and not each.is_due():
            metrics.job_succeeded.labels(service, each.name).set_to_current_time()
            return
        with db.engine().connect() as connection:
            if not connection.exec_driver_sql("SELECT pg_try_advisory_lock(7, %s::int)", (key - 2**31,)).scalar():
                return
            connection.commit()
            try:
                with metrics.job_seconds.labels(service, each.name).time():
                    each.work()
                metrics.job_succeeded.labels(service, each.name).set_to_current_time()
            finally:
                connection.exec_driver_sql("SELECT pg_advisory_unlock(7, %s::int)", (key - 2**31,))
                connection.commit()
    except Unavailable as error:
        _waits(each, error.detail, error.__cause__)
    except Exception as error:
        if db.is_outage(error):
            _waits(each, "The database does not answer.", error)
            return
        metrics.job_failures.labels(service, each.name).inc()
        log.exception("job failed", extra={"job": each.name})


def _waits(each: Job, reason: str, cause: BaseException | None) -> None:
    first_line = str(cause or "").split("\n")[0][:300]
    log.warning("job waits", extra={"job": each.name, "error": reason, "cause": first_line})
