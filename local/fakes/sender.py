"""Carries webhooks out: a few at a time, each until somebody answers 2xx."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

import aiohttp

from local.fakes.deliveries import Deliveries, Delivery

AT_ONCE = 8
ANSWER_WITHIN_SECONDS = 10.0

# Headers for a body that is sent now; a repeat is signed anew.
Sign = Callable[[Delivery], Mapping[str, str]]


class Sender:
    """One per process. What was under way when it stops is delivered again by the next one."""

    def __init__(self, deliveries: Deliveries, sign: Sign) -> None:
        self._deliveries = deliveries
        self._sign = sign
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        deliveries.added = self._wake.set

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            loop = asyncio.create_task(self._loop(session))
            try:
                yield
            finally:
                tasks = [loop, *self._under_way.values()]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _loop(self, session: aiohttp.ClientSession) -> None:
        while True:
            self._wake.clear()
            for delivery in self._deliveries.due(AT_ONCE - len(self._under_way), but_not=list(self._under_way)):
                self._under_way[delivery.id] = asyncio.create_task(self._deliver(session, delivery))
            full = len(self._under_way) >= AT_ONCE
            pause = None if full else self._deliveries.seconds_until_next(but_not=list(self._under_way))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)

    async def _deliver(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        status: int | None = None
        try:
            headers = {"Content-Type": "application/json; charset=utf-8", **self._sign(delivery)}
            async with session.post(delivery.url, data=delivery.body, headers=headers, allow_redirects=False) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            status = None
        finally:
            del self._under_way[delivery.id]
            self._wake.set()
        if status is not None and 200 <= status < 300:
            self._deliveries.arrived(delivery, status)
        else:
            self._deliveries.failed(delivery, status)
