"""A fake provider for tests: started on a free port, stopped, killed, started again on the same books."""

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from local.ports import free_port
from local.process import Process


class RunningFake:
    """`name` is stripe or paypal; further options go to its command line as they are."""

    def __init__(self, name: str, folder: Path, *options: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", f"local.fakes.{name}", "--port", str(self.port)]
        command += ["--books", str(folder / f"{name}.db"), *options]
        self.log = folder / f"{name}.log"
        self.process = Process(f"fake {name}", command, {}, self.log, f"{self.url}/_control/health")

    def start(self) -> Self:
        self.process.start()
        self.process.wait_ready(time.monotonic() + 20)
        return self

    def restart(self) -> None:
        self.process.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.stop()

    def fault(self, **wish: Any) -> int:
        """See local.fakes.faults.Fault; answers the id of the fault."""
        answer = requests.post(f"{self.url}/_control/faults", json=wish, timeout=5)
        if answer.status_code != 201:
            raise ValueError(answer.text)
        return int(answer.json()["id"])

    def clear_faults(self) -> None:
        requests.delete(f"{self.url}/_control/faults", timeout=5).raise_for_status()

    def faults(self) -> list[dict[str, Any]]:
        return list(self._look("faults")["faults"])

    def books(self) -> dict[str, list[dict[str, Any]]]:
        """Everything that the provider knows, oldest first."""
        return dict(self._look("books"))

    def webhooks(self) -> list[dict[str, Any]]:
        """All deliveries with their state: waiting, held, delivered or dropped."""
        return list(self._look("webhooks")["webhooks"])

    def reset(self) -> None:
        requests.post(f"{self.url}/_control/reset", timeout=5).raise_for_status()

    def _look(self, what: str) -> Any:
        answer = requests.get(f"{self.url}/_control/{what}", timeout=5)
        answer.raise_for_status()
        return answer.json()
