"""CPU time of the whole system: user and system time of every process, PostgreSQL's backends included."""

from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from local.system import System

RENDERERS = "render"


@dataclass(frozen=True)
class CpuTime:
    """Seconds by group: a service's name, "postgres", "gateway", the fakes, and "render" for PDF worker processes."""

    seconds: dict[str, float]

    def minus(self, earlier: "CpuTime") -> "CpuTime":
        """What was used in between."""
        return CpuTime({name: value - earlier.seconds.get(name, 0.0) for name, value in self.seconds.items()})

    def total(self, without: Iterable[str] = ()) -> float:
        """All groups together but these."""
        return sum(value for name, value in self.seconds.items() if name not in set(without))


def measure(system: System) -> CpuTime:
    """What every process has used so far. Children that ended count for their parent."""
    seconds: dict[str, float] = {}
    for name, process in system.processes.items():
        if process.pid is None:
            continue
        parent = psutil.Process(process.pid)
        seconds[name] = _own(parent)
        children = sum(_own(child) for child in parent.children(recursive=True))
        if name == "tickets":
            seconds[RENDERERS] = children + _ended_children(parent)
            seconds[name] -= _ended_children(parent)
        else:
            seconds[name] += children
    if system.postgres is not None and system.postgres.pid is not None:
        postmaster = psutil.Process(system.postgres.pid)
        seconds["postgres"] = _own(postmaster) + sum(_own(child) for child in postmaster.children(recursive=True))
    return CpuTime(seconds)


def _own(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _ended_children(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.children_user + times.children_system)
