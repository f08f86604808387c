"""The question whether a process can work: cheap, however many ask it."""

import asyncio
import threading
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from chassis import readiness
from chassis.front import Front


class Check:
    """A check that waits for `release` and counts how often it was made."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.count = 0
        self.release = threading.Event()
        self.release.set()

    def __call__(self) -> bool:
        self.count += 1
        assert self.release.wait(10)
        return self.answer


async def ask(front: Front) -> tuple[int, Mapping[str, Any]]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await front({"type": "http", "method": "GET", "path": "/readyz", "headers": []}, receive, send)
    return sent[0]["status"], orjson.loads(sent[1]["body"])


def test_those_who_ask_at_once_share_one_check_and_nobody_else_waits_for_it() -> None:
    check = Check()
    check.release.clear()
    front = Front(None, {"slow": check})

    async def scenario() -> None:
        asking = [asyncio.create_task(ask(front)) for _ in range(100)]
        await asyncio.sleep(0.05)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 2) == "free"
        check.release.set()
        assert {status for status, _ in await asyncio.gather(*asking)} == {200}

    asyncio.run(scenario())
    assert check.count == 1


def test_the_answer_counts_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check()
    front = Front(None, {"it": check})

    async def scenario() -> None:
        assert (await ask(front))[0] == 200
        check.answer = False
        assert (await ask(front), check.count) == ((200, {"status": "ready", "checks": {"it": True}}), 1)
        later = time.monotonic() + readiness.READY_SECONDS
        monkeypatch.setattr(readiness, "time", SimpleNamespace(monotonic=lambda: later))
        assert (await ask(front), check.count) == ((503, {"status": "not ready", "checks": {"it": False}}), 2)

    asyncio.run(scenario())


def test_one_who_hangs_up_does_not_take_the_answer_from_the_others() -> None:
    check = Check()
    check.release.clear()
    front = Front(None, {"slow": check})

    async def scenario() -> None:
        first, second = asyncio.create_task(ask(front)), asyncio.create_task(ask(front))
        await asyncio.sleep(0.05)
        first.cancel()
        check.release.set()
        assert (await second)[0] == 200

    asyncio.run(scenario())
    assert check.count == 1


def test_a_check_that_breaks_is_made_again() -> None:
    def broken() -> bool:
        raise OSError("broken")

    checks: dict[str, Any] = {"it": broken}
    front = Front(None, checks)

    async def scenario() -> None:
        with pytest.raises(OSError, match="broken"):
            await ask(front)
        checks["it"] = lambda: True
        assert (await ask(front))[0] == 200

    asyncio.run(scenario())
