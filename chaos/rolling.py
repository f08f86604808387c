"""A rolling restart: one by one, a replacement becomes ready on ports of its own, calls move to it, the old one stops.

This is what an orchestrator does with a deployment that must not go below its replicas. Those who call find no gap; what
breaks in the moment of the change, one repetition after a second has to mend.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import requests

from chaos.relay import Relays
from gateway.config import SERVICES
from local.ports import free_port
from local.process import NotReady, Process
from local.system import System

ROLLED = (*SERVICES, "gateway")
READY_SECONDS = 60.0
PAUSE_SECONDS = 1.0


def replace_running(system: System, relays: Relays, name: str) -> None:
    """One of them. Raises NotReady when the replacement does not come up."""
    old = system.processes[name]
    new = _on_other_ports(old)
    new.start()
    try:
        new.wait_ready(time.monotonic() + READY_SECONDS)
    except NotReady:
        new.kill()
        raise
    system.processes[name] = new
    relays.move(name, _port(new, "HTTP_ADDRESS"))
    if "GRPC_ADDRESS" in new.environment:
        relays.move(f"{name} grpc", _port(new, "GRPC_ADDRESS"))
    old.stop()


def once_more(ask: Callable[[], requests.Response], *, after_seconds: float = PAUSE_SECONDS) -> requests.Response | str:
    """The answer, if need be of one repetition; otherwise what was wrong with that one."""
    answer = _try(ask)
    if not isinstance(answer, str):
        return answer
    time.sleep(after_seconds)
    return _try(ask)


def _try(ask: Callable[[], requests.Response]) -> requests.Response | str:
    try:
        answer = ask()
    except requests.RequestException as error:
        return repr(error)
    is_final = answer.status_code < 500 and "Retry-After" not in answer.headers
    return answer if is_final else f"{answer.status_code} {answer.text[:300]}"


def _on_other_ports(old: Process) -> Process:
    addresses = {
        name: f"127.0.0.1:{free_port()}" for name in ("HTTP_ADDRESS", "GRPC_ADDRESS") if name in old.environment
    }
    ready_url = f"http://{addresses['HTTP_ADDRESS']}/readyz"
    return replace(old, environment={**old.environment, **addresses}, ready_url=ready_url)


def _port(process: Process, name: str) -> int:
    return int(process.environment[name].rpartition(":")[2])
