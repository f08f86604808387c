"""Broadcasts: what every process hears, each for itself."""

import threading
from collections.abc import Sequence
from types import ModuleType

from chassis.broker import Broker
from chassis.inbox import Ears, hearers_in


class Listening:
    """A thread that calls the functions marked with `@hears` in these modules."""

    def __init__(self, broker: Broker, modules: Sequence[ModuleType]) -> None:
        self._broker = broker
        self._stop, self._ready = threading.Event(), threading.Event()
        self._ears = Ears(hearers_in(modules))
        self._thread = threading.Thread(target=self._run, name="listening", daemon=True)

    def start(self) -> None:
        """Begins to listen; reconnects by itself."""
        self._thread.start()

    def is_ready(self) -> bool:
        """Whether no broadcast can be missed any more: a process takes traffic only then."""
        return self._ready.is_set()

    def stop(self, timeout_seconds: float = 5) -> None:
        """Ends listening."""
        self._stop.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        self._broker.listen(self._ears, stop=self._stop, ready=self._ready)
