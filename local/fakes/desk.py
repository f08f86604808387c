"""Where a call becomes an answer: faults, idempotency keys, the work in one commit, one line in the log."""

import asyncio
import hashlib
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from local.fakes.answers import Answer, Call, Refusal
from local.fakes.books import Books, Kept
from local.fakes.faults import Fault, Faults
from local.fakes.line import Silence

C = TypeVar("C", bound=Call)
Endpoint = Callable[[Request], Awaitable[Response]]


class Dialect(Protocol[C]):
    """What two providers say differently."""

    def open_call(self, request: Request, body: bytes, fault: Fault | None) -> C:
        """Who calls and what they want; raises Refusal when they may not, or nobody can read it."""

    def idempotency_key(self, request: Request, call: C) -> str | None:
        """With its scope in it (account, path), so that no two callers share one by accident."""

    def key_reused(self, request: Request) -> Refusal: ...

    def key_in_use(self, request: Request) -> Refusal: ...

    def broken(self, fault: Fault) -> Refusal: ...

    def unknown_url(self, request: Request) -> Refusal: ...

    def headers(self, request: Request) -> dict[str, str]: ...


class Desk(Generic[C]):
    """The work itself never waits, so calls are done one after the other; only faults make them overlap."""

    def __init__(self, books: Books, faults: Faults, dialect: Dialect[C], *, quiet: bool = False) -> None:
        self._books = books
        self._faults = faults
        self._dialect = dialect
        self._quiet = quiet
        self._keys_under_way: set[str] = set()

    def serves(self, work: Callable[[C], Answer], *, writes: bool | None = None) -> Endpoint:
        """The endpoint of one kind of call. Everything but GET writes, unless told otherwise."""

        async def endpoint(request: Request) -> Response:
            began = time.perf_counter()
            body = await request.body()
            fault = self._faults.hit_call(request.method, request.url.path)
            writing = request.method != "GET" if writes is None else writes
            answer: Answer | None
            try:
                answer = await self._answer(request, body, work, fault, writing=writing)
            except Refusal as refusal:
                answer = refusal.answer
            except asyncio.CancelledError:
                answer = None  # the process stops while a fault holds the call up: its caller hears nothing
            if not self._quiet:
                _log(request, answer, fault, time.perf_counter() - began)
            if answer is None:
                return Silence(reset=fault is not None and fault.fault == "reset")
            answer.headers.update(self._dialect.headers(request))
            return answer.response()

        return endpoint

    async def unknown_url(self, request: Request, _: Exception) -> Response:
        return self._dialect.unknown_url(request).answer.response()

    async def _answer(
        self, request: Request, body: bytes, work: Callable[[C], Answer], fault: Fault | None, *, writing: bool
    ) -> Answer | None:
        """None when the caller shall hear nothing."""
        if fault and fault.fault == "reset":
            await asyncio.sleep(fault.seconds)
            return None
        call = self._dialect.open_call(request, body, fault)
        key = self._dialect.idempotency_key(request, call) if writing else None
        with self._alone(key, request):
            if fault and not fault.comes_late:
                await self._suffer(fault)
            answer = self._work(request, call, key, work) if writing else work(call)
            if fault and fault.comes_late:
                await self._suffer(fault)
            return None if fault and fault.fault == "lose-answer" else answer

    async def _suffer(self, fault: Fault) -> None:
        await asyncio.sleep(fault.seconds)
        if fault.fault == "error":
            raise self._dialect.broken(fault)

    def _work(self, request: Request, call: C, key: str | None, work: Callable[[C], Answer]) -> Answer:
        """Effect, events, deliveries and the kept answer are one commit."""
        if key is None:
            with self._books.transaction():
                return work(call)
        what = (request.method, request.url.path, call.params)
        fingerprint = hashlib.sha256(orjson.dumps(what, option=orjson.OPT_SORT_KEYS)).hexdigest()
        if kept := self._books.kept_answer(key):
            if kept.fingerprint != fingerprint:
                raise self._dialect.key_reused(request)
            return Answer(kept.status, kept.body, {"Idempotent-Replayed": "true"})
        try:
            with self._books.transaction():
                answer = work(call)
                self._keep(key, fingerprint, answer)
                return answer
        except Refusal as refusal:
            self._keep(key, fingerprint, refusal.answer)
            raise

    def _keep(self, key: str, fingerprint: str, answer: Answer) -> None:
        if answer.kept:
            self._books.keep_answer(key, Kept(fingerprint, answer.status, answer.content()))

    @contextmanager
    def _alone(self, key: str | None, request: Request) -> Iterator[None]:
        if key in self._keys_under_way:
            raise self._dialect.key_in_use(request)
        if key is None:
            yield
            return
        self._keys_under_way.add(key)
        try:
            yield
        finally:
            self._keys_under_way.discard(key)


def _log(request: Request, answer: Answer | None, fault: Fault | None, seconds: float) -> None:
    line = {"method": request.method, "path": request.url.path, "ms": round(seconds * 1000, 1)}
    if answer:
        line["status"] = answer.status
        line |= {"replayed": True} if "Idempotent-Replayed" in answer.headers else {}
    line |= {"fault": fault.fault} if fault else {}
    sys.stderr.write(orjson.dumps(line).decode() + "\n")
