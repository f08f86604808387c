"""Breaks things on purpose, by seed: kills, pauses, restarts, and providers that misbehave."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import requests

from gateway.config import SERVICES
from local.system import System

CALL_PATHS = {
    "stripe": ("/v1/payment_intents*", "/v1/refunds*", "*/confirm"),
    "paypal": ("*/execute", "*/refund", "*/payment*"),
}


class Saboteur:
    """One storm at a time. What it did is in `said`; `calm` mends everything."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.kills = 0
        self.pauses = 0
        self.faults = 0
        self.said: list[str] = []

    def storm(self, whims: random.Random, over: threading.Event, most: int = 5) -> None:
        """Strikes until it is over, or often enough."""
        for provider in ("stripe", "paypal"):
            for _ in range(whims.randint(2, 4)):
                self._script(provider, whims)
        for _ in range(most):
            if over.wait(whims.uniform(0.2, 1.2)):
                return
            self._strike(whims)

    def calm(self, timeout_seconds: float = 90) -> None:
        """Everything up, faults withdrawn."""
        for process in self.system.processes.values():
            if process.pid is not None:
                os.killpg(process.pid, signal.SIGCONT)
        if self.system.postgres is not None:
            self.system.postgres.start()
        for process in self.system.processes.values():
            process.start()
        deadline = time.monotonic() + timeout_seconds
        for process in self.system.processes.values():
            process.wait_ready(deadline)
        for provider in ("stripe", "paypal"):
            requests.delete(self._control(provider), timeout=10).raise_for_status()

    def _strike(self, whims: random.Random) -> None:
        name = whims.choice(
            (*SERVICES, "orders", "payments", "tickets", "gateway", "fake stripe", "fake paypal", "postgres")
        )
        strike: Callable[[str, random.Random], None] = self._kill if whims.random() < 0.6 else self._pause
        strike(name, whims)

    def _kill(self, name: str, whims: random.Random) -> None:
        self.kills += 1
        self.said.append(f"kill -9 {name}")
        pause = whims.uniform(0, 1)
        if name == "postgres":
            server = self.system.postgres
            if server is None or server.pid is None:
                return
            os.kill(server.pid, signal.SIGKILL)
            time.sleep(pause)
            server.start()
            return
        process = self.system.processes[name]
        process.kill()
        time.sleep(pause)
        process.start()

    def _pause(self, name: str, whims: random.Random) -> None:
        self.pauses += 1
        seconds = whims.uniform(0.5, 4)
        self.said.append(f"pause {name} {seconds:.1f} s")
        if name == "postgres":
            if self.system.postgres is not None:
                self.system.postgres.restart()
            return
        pid = self.system.processes[name].pid
        if pid is not None:
            os.killpg(pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.killpg(pid, signal.SIGCONT)

    def _script(self, provider: str, whims: random.Random) -> None:
        fault = _fault(provider, whims)
        self.faults += 1
        self.said.append(f"{provider}: {fault}")
        requests.post(self._control(provider), json=fault, timeout=10).raise_for_status()

    def _control(self, provider: str) -> str:
        port = self.system.ports.stripe if provider == "stripe" else self.system.ports.paypal
        return f"http://127.0.0.1:{port}/_control/faults"


def _fault(provider: str, whims: random.Random) -> dict[str, Any]:
    if whims.random() < 0.5:
        kind = whims.choice(("drop", "delay", "duplicate", "reorder"))
        more = {
            "drop": {"count": whims.randint(1, 4)},
            "delay": {"count": whims.randint(1, 3), "seconds": whims.randint(1, 8)},
            "duplicate": {"count": whims.randint(1, 4), "times": 2},
            "reorder": {"count": whims.randint(2, 4)},
        }[kind]
        return {"fault": kind, "event": "*", "skip": whims.randint(0, 4), **more}
    kind = whims.choice(("lose-answer", "reset", "error", "delay"))
    fault: dict[str, Any] = {"fault": kind, "method": "POST", "path": whims.choice(CALL_PATHS[provider])}
    if kind == "error":
        fault |= {"status": whims.choice((500, 503)), "when": whims.choice(("before", "after"))}
    if kind == "delay":
        fault |= {"seconds": whims.choice((1, 3, 12)), "when": whims.choice(("before", "after"))}
    return {**fault, "skip": whims.randint(0, 2), "count": whims.randint(1, 2)}
