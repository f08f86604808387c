"""Many buyers at once: each sends its next request when the last one is answered."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import uvloop


@dataclass(frozen=True)
class Call:
    """One request of the load. `body` None: GET."""

    path: str
    body: bytes | None = None
    token: str = ""
    media_type: str = "application/json"
    method: str = ""


@dataclass
class Report:
    """What came back."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    bodies: dict[int, bytes] = field(default_factory=dict)  # by the number of the call

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def quantile_ms(self, share: float) -> float:
        """The latency in milliseconds that this share of the requests stays within."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


def run(url: str, buyers: int, calls: Sequence[Call], *, keep_bodies: bool = False) -> Report:
    """All calls, `buyers` of them at a time."""
    return uvloop.run(_run(url, buyers, calls, keep_bodies))


def at_once(url: str, calls: Sequence[Call]) -> Report:
    """Every call at the same moment, each on a connection of its own."""
    return run(url, len(calls), calls)


async def _run(url: str, buyers: int, calls: Sequence[Call], keep_bodies: bool) -> Report:
    report = Report()
    waiting = iter(enumerate(calls))
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
        started = time.perf_counter()
        await asyncio.gather(*(_buyer(session, url, waiting, report, keep_bodies) for _ in range(buyers)))
        report.seconds = time.perf_counter() - started
    return report


async def _buyer(session: aiohttp.ClientSession, url: str, waiting: Any, report: Report, keep_bodies: bool) -> None:
    for number, call in waiting:
        headers = {"Authorization": f"Bearer {call.token}"} if call.token else {}
        if call.body is not None:
            headers["Content-Type"] = call.media_type
        started = time.perf_counter()
        method = call.method or ("GET" if call.body is None else "POST")
        async with session.request(method, url + call.path, data=call.body, headers=headers) as answer:
            body = await answer.read()
        report.latencies.append(time.perf_counter() - started)
        report.statuses[answer.status] += 1
        if keep_bodies:
            report.bodies[number] = body


def repeated(total: int, make: Callable[[int], Call]) -> list[Call]:
    """`make` of 0 to total - 1."""
    return [make(number) for number in range(total)]
