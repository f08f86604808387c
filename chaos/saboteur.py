"""Breaks things on purpose, by seed: kills, pauses, restarts, and providers that misbehave."""

import os
import random
import signal
import threading
import time
from collections import Counter
from typing import Any

import requests

from chaos.rabbitmq import RabbitMQ
from chaos.relay import Cut, Relays
from chaos.rolling import ROLLED, replace_running
from gateway.config import SERVICES
from local.system import System

CALL_PATHS = {
    "stripe": ("/v1/payment_intents*", "/v1/refunds*", "*/confirm"),
    "paypal": ("*/execute", "*/refund", "*/payment*"),
}
VICTIMS = (*SERVICES, "orders", "payments", "tickets", "gateway", "fake stripe", "fake paypal", "postgres")
LINKS = (  # those that a sale needs
    ("buyers", "gateway"), ("gateway", "orders"), ("gateway", "payments"), ("gateway", "events"),
    ("orders", "events grpc"), ("orders", "payments grpc"), ("tickets", "events grpc"),
    ("payments", "stripe"), ("payments", "paypal"), ("stripe", "gateway"), ("paypal", "gateway"),
    *((name, "postgres") for name in ("orders", "payments", "tickets")),
    *((name, "broker") for name in ("orders", "payments", "tickets")),
)  # fmt: skip
EVERYBODY_FROM = ("postgres", "broker")


class Saboteur:
    """One storm at a time. What it did is in `said` and counted in `done`; `calm` mends everything."""

    def __init__(self, system: System, relays: Relays, rabbitmq: RabbitMQ | None = None) -> None:
        self.system = system
        self.relays = relays
        self.rabbitmq = rabbitmq
        self.done: Counter[str] = Counter()
        self.said: list[str] = []

    def storm(self, whims: random.Random, over: threading.Event, least: int = 3, most: int = 5) -> None:
        """Strikes until nobody buys any more, or often enough; some of it may hit what is done after the sale."""
        for provider in ("stripe", "paypal"):
            for _ in range(whims.randint(2, 4)):
                self._script(provider, whims)
        for strikes in range(most):
            if over.wait(whims.uniform(0.1, 0.9)) and strikes >= least:
                return
            self._strike(whims)

    def roll(self) -> None:
        """Every service and the gateway, one by one; each is replaced before it stops."""
        for name in ROLLED:
            self._say(f"roll {name}")
            replace_running(self.system, self.relays, name)
            self.done["rolled"] += 1

    def calm(self, timeout_seconds: float = 90) -> None:
        """Everything up, links and faults mended."""
        self.relays.mend()
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
        how = whims.choices(("kills", "pauses", "restarts", "cuts"), (4, 2, 1, 3))[0]
        self.done[how] += 1
        if how == "cuts":
            self._cut(whims)
            return
        if self.rabbitmq is not None and how == "restarts" and whims.random() < 0.5:
            self._say("restart RabbitMQ")
            self.rabbitmq.restart()
            return
        name = whims.choice(VICTIMS)
        strike = {"kills": self._kill, "pauses": self._pause, "restarts": self._restart}[how]
        strike(name, whims)

    def _cut(self, whims: random.Random) -> None:
        """One link, or everybody from the database or the broker."""
        links = [whims.choice(LINKS)]
        if whims.random() < 0.2:
            away = whims.choice(EVERYBODY_FROM)
            links = [link for link in self.relays.links if link[1] == away]
        how, seconds = whims.choice(list(Cut)), whims.uniform(0.5, 3)
        who = "everybody" if len(links) > 1 else links[0][0]
        self._say(f"{who} to {links[0][1]} {how.value} {seconds:.1f} s")
        self.relays.cut(links, how)
        time.sleep(seconds)
        self.relays.mend()

    def _kill(self, name: str, whims: random.Random) -> None:
        self._say(f"kill -9 {name}")
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
        """Of PostgreSQL its main process stops: who is connected goes on, nobody new gets in."""
        seconds = whims.uniform(0.5, 3)
        self._say(f"pause {name} {seconds:.1f} s")
        who = self.system.postgres if name == "postgres" else self.system.processes[name]
        if who is not None and (pid := who.pid) is not None:
            send = os.kill if name == "postgres" else os.killpg
            send(pid, signal.SIGSTOP)
            time.sleep(seconds)
            send(pid, signal.SIGCONT)

    def _restart(self, name: str, _: random.Random) -> None:
        """As an operator does it, without a replacement meanwhile."""
        self._say(f"restart {name}")
        if name != "postgres":
            self.system.processes[name].stop()
            self.system.processes[name].start()
        elif self.system.postgres is not None:
            self.system.postgres.restart()

    def _say(self, what: str) -> None:
        self.said.append(what)

    def _script(self, provider: str, whims: random.Random) -> None:
        fault = _fault(provider, whims)
        self.done["faults"] += 1
        self._say(f"{provider}: {fault}")
        requests.post(self._control(provider), json=fault, timeout=10).raise_for_status()

    def _control(self, provider: str) -> str:
        port = self.system.ports.stripe if provider == "stripe" else self.system.ports.paypal
        return f"http://127.0.0.1:{port}/_control/faults"


def _fault(provider: str, whims: random.Random) -> dict[str, Any]:
    if whims.random() < 0.5:
        kind = whims.choice(("drop", "delay", "duplicate", "reorder"))
        more = {
            "drop": {"count": whims.randint(1, 4)},
            "delay": {"count": whims.randint(1, 3), "seconds": whims.randint(1, 5)},
            "duplicate": {"count": whims.randint(1, 4), "times": 2},
            "reorder": {"count": whims.randint(2, 4)},
        }[kind]
        return {"fault": kind, "event": "*", "skip": whims.randint(0, 4), **more}
    kind = whims.choice(("lose-answer", "reset", "error", "delay"))
    fault: dict[str, Any] = {"fault": kind, "method": "POST", "path": whims.choice(CALL_PATHS[provider])}
    if kind == "error":
        fault |= {"status": whims.choice((500, 503)), "when": whims.choice(("before", "after"))}
    if kind == "delay":
        fault |= {"seconds": whims.choice((1, 2, 5)), "when": whims.choice(("before", "after"))}
    return {**fault, "skip": whims.randint(0, 2), "count": whims.randint(1, 2)}
