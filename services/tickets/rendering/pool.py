"""Rendering in processes of its own: it is pure Python, so threads would only wait for each other and for requests."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from types import TracebackType
from typing import Self

from chassis.errors import Unavailable
from services.tickets.rendering import documents
from services.tickets.rendering.documents import UnrenderableError
from services.tickets.rendering.joining import joined
from services.tickets.rendering.views import InvoiceView, OrderView, TicketView

DOCUMENTS_PER_PROCESS = 2000  # then it is replaced, whatever libraries may have piled up in it
SECONDS_TO_START = 120.0
ATTEMPTS = 3  # a document may lose its process to another one's misfortune


class RenderPool:
    """`workers` processes. A document that takes too long loses its process; a process that dies is replaced."""

    def __init__(
        self,
        workers: int,
        *,
        seconds_per_document: float = documents.RENDER_SECONDS + 10,
        seconds_to_start: float = SECONDS_TO_START,
    ) -> None:
        self._workers, self._seconds, self._seconds_to_start = workers, seconds_per_document, seconds_to_start
        self._slots = threading.BoundedSemaphore(workers)  # so that the time limit never includes waiting for a process
        self._lock = threading.Lock()
        self._executor: ProcessPoolExecutor | None = None
        self._starting: Sequence[Future[None]] = ()  # of the executor's processes
        self._is_closed = False

    def warm_up(self) -> None:
        """Starts all processes without waiting for them: reading fonts and modules takes a while the first time."""
        self._current()

    def render_ticket(self, view: TicketView) -> bytes:
        """One attendee's PDF. Raises UnrenderableError when this document cannot be made."""
        return self._run(partial(documents.render_ticket, view))

    def render_order(self, view: OrderView) -> bytes:
        """The purchaser's PDF. Raises UnrenderableError when this document cannot be made."""
        return joined([self._run(part) for part in documents.order_parts(view)])

    def render_invoice(self, view: InvoiceView) -> bytes:
        """The order's invoice. Raises UnrenderableError when it cannot be made."""
        return self._run(partial(documents.render_invoice, view))

    def close(self) -> None:
        """Lets running documents finish (or run out of time) and ends the processes."""
        with self._lock:
            self._is_closed = True
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, render: Callable[[], bytes]) -> bytes:
        with self._slots:
            for _ in range(ATTEMPTS):
                executor, starting = self._current()
                try:
                    self._wait_until_started(executor, starting)
                    return self._wait(executor, executor.submit(render))
                except BrokenProcessPool:
                    self._discard(executor)
        raise UnrenderableError("The process that rendered this document ended before it was done")

    def _wait(self, executor: ProcessPoolExecutor, future: "Future[bytes]") -> bytes:
        try:
            return future.result(timeout=self._seconds)
        except TimeoutError as error:
            self._discard(executor)
            raise UnrenderableError(f"This document took longer than {self._seconds:g} seconds") from error

    def _wait_until_started(self, executor: ProcessPoolExecutor, starting: Sequence["Future[None]"]) -> None:
        """A document's time limit is its own: a busy machine may take longer to start a process than to draw."""
        if wait(starting, timeout=self._seconds_to_start).not_done:
            self._discard(executor)
            raise UnrenderableError(f"No process to render in started within {self._seconds_to_start:g} seconds")

    def _current(self) -> tuple[ProcessPoolExecutor, Sequence["Future[None]"]]:
        with self._lock:
            if self._is_closed:
                raise Unavailable("This process ends, and its render pool is closed")
            if self._executor is None:
                self._executor = _executor(self._workers)
                self._starting = [self._executor.submit(documents.warm_up) for _ in range(self._workers)]
            return self._executor, self._starting

    def _discard(self, executor: ProcessPoolExecutor) -> None:
        """Ends the executor's processes, the stuck one too; who else waited for one of them tries again on new ones."""
        with self._lock:
            if self._executor is executor:
                self._executor = None
        processes = list((executor._processes or {}).values())
        for process in processes:
            process.kill()
        executor.shutdown(wait=False, cancel_futures=True)


def _executor(workers: int) -> ProcessPoolExecutor:
    # Not fork: the service's threads and connections must not come along. The server reads the modules once for all.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([documents.__name__])
    return ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, max_tasks_per_child=DOCUMENTS_PER_PROCESS
    )


def _begin() -> None:
    """Runs first in each process. The service decides when it ends: Ctrl-C reaches both, but only the service acts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    documents.warm_up()
    gc.collect()
    gc.freeze()  # fonts and modules stay; the collector need not look at them for every document


def _end_with_the_service() -> None:
    service = multiprocessing.parent_process()
    if service is not None:
        service.join()
        os._exit(1)
