"""Answers that are the same for everybody, kept for a moment: the pages that all visitors of a sale open.

An operation that says `x-kept-seconds` in its specification answers whoever is not logged in from here for so long. Those who
ask for the same at the same time are answered by one question to the service. A change that goes through this gateway
makes it forget what it keeps of that service, so whoever changes something sees it at once; other gateways may be these
seconds behind (decision 22).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from cachetools import TLRUCache
from prometheus_client import Counter
from starlette.types import Scope

from chassis.jsonapi.etag import is_named
from gateway.proxy import Answer
from gateway.routing import Route

KEPT_BYTES = 32 * 2**20  # per service
LARGEST_BYTES = 2**18
SEPARATE = frozenset({b"authorization", b"range", b"if-modified-since"})  # who sends these is answered by the service

asked = Counter("gateway_kept_answers_total", "Questions that a kept answer may answer, by who answered", ["by"])

Key = tuple[bytes, bytes, bytes]  # path, query, Accept
Ask = Callable[[], Awaitable[Answer]]


@dataclass(frozen=True)
class _Kept:
    answer: Answer
    seconds: float


class KeptAnswers:
    """What this process keeps, service by service."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: dict[str, TLRUCache[Key, _Kept]] = {}
        self._coming: dict[str, dict[Key, asyncio.Task[Answer]]] = {}

    async def answer(self, route: Route, scope: Scope, given: Mapping[bytes, bytes], ask: Ask) -> Answer:
        """The answer to a request that `may_keep`; `ask` brings it from the service. Raises what `ask` raises."""
        key = (scope.get("raw_path") or scope["path"].encode(), scope["query_string"], given.get(b"accept", b""))
        kept = self._of(route.service).get(key)
        if kept is not None:
            asked.labels("gateway").inc()
            answer = kept.answer
        else:
            answer = await self._bring(route, key, ask)
        wanted, tag = given.get(b"if-none-match"), answer.header("etag")
        if wanted is not None and tag is not None and is_named(wanted.decode("latin-1"), tag):
            return Answer(304, [(b"etag", tag.encode("latin-1"))], b"")
        return answer

    def forget(self, service: str) -> None:
        """Something of this service has changed, or may have: the next question is asked anew."""
        self._of(service).clear()
        self._coming.pop(service, None)

    async def _bring(self, route: Route, key: Key, ask: Ask) -> Answer:
        coming = self._coming.setdefault(route.service, {})
        task = coming.get(key)
        if task is None:
            asked.labels("service").inc()
            task = asyncio.ensure_future(self._ask(route, key, ask, coming))
            coming[key] = task
        else:
            asked.labels("shared").inc()
        return await asyncio.shield(task)  # one who hangs up does not take it from the others

    async def _ask(self, route: Route, key: Key, ask: Ask, coming: dict[Key, asyncio.Task[Answer]]) -> Answer:
        try:
            answer = await ask()
        finally:
            coming.pop(key, None)
        is_current = self._coming.get(route.service) is coming  # otherwise something changed while the service answered
        if is_current and answer.status == 200 and len(answer.content) <= LARGEST_BYTES:
            self._of(route.service)[key] = _Kept(answer, route.kept_seconds)
        return answer

    def _of(self, service: str) -> TLRUCache[Key, _Kept]:
        kept = self._kept.get(service)
        if kept is None:
            kept = self._kept[service] = TLRUCache(
                KEPT_BYTES,
                ttu=lambda _, kept, now: now + kept.seconds,
                timer=self._now,
                getsizeof=lambda kept: len(kept.answer.content) + 1024,
            )
        return kept


def may_keep(route: Route, method: str, given: Mapping[bytes, bytes]) -> bool:
    """Whether everybody who asks this is told the same."""
    return route.kept_seconds > 0 and method == "GET" and SEPARATE.isdisjoint(given)
