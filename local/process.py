"""One process of the system: started in a session of its own, logged to a file, stopped or killed with all its children."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import requests


class NotReady(RuntimeError):
    """A process ended or did not become ready; the message ends with what its log said last."""


@dataclass
class Process:
    """A command with its environment. `ready_url` answers 200 when it can do its work."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    ready_url: str
    _running: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)

    @property
    def pid(self) -> int | None:
        """The process id while it lives."""
        return self._running.pid if self._running is not None and self._running.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it lives."""
        return None if self._running is None else self._running.poll()

    def start(self) -> None:
        """Starts it, unless it lives."""
        if self.pid is not None:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    def wait_ready(self, deadline: float) -> None:
        """Returns when it answers that it is ready. Raises NotReady when it ends, or at `deadline` (time.monotonic)."""
        while not self.is_ready():
            if self.pid is None:
                raise NotReady(f"{self.name} has ended. Its log {self.log} ends with:\n{self.said()}")
            if time.monotonic() > deadline:
                raise NotReady(f"{self.name} is not ready in time. Its log {self.log} ends with:\n{self.said()}")
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """Whether it answers now that it can do its work."""
        try:
            return requests.get(self.ready_url, timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def ask_to_stop(self) -> None:
        """Sends SIGTERM; `wait_stopped` waits."""
        self._signal(signal.SIGTERM)

    def wait_stopped(self, timeout_seconds: float = 15) -> None:
        """Waits for the end, and kills what does not end."""
        if self._running is None:
            return
        try:
            self._running.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def stop(self) -> None:
        """Lets it finish what it is doing."""
        self.ask_to_stop()
        self.wait_stopped()

    def kill(self) -> None:
        """Ends it and its children at once, as a power cut would."""
        self._signal(signal.SIGKILL)
        if self._running is not None:
            self._running.wait()

    def said(self, lines: int = 15) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def _signal(self, which: signal.Signals) -> None:
        if self._running is None or (self._running.poll() is not None and which is not signal.SIGKILL):
            return
        try:
            os.killpg(self._running.pid, which)
        except ProcessLookupError:
            return
