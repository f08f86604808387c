"""Whether a process can do its work, found out once for all who ask.

Anybody may ask the gateway, and a check may wait for somebody else: so there is one round of checks at a time, in threads that
nothing else needs, and its outcome counts for a moment.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

READY_SECONDS = 1.0
NOT_READY_SECONDS = 0.2  # who starts is waited for

Checks = Mapping[str, Callable[[], bool]]


class Readiness:
    """The checks of one process."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._threads = ThreadPoolExecutor(max(1, len(checks)), thread_name_prefix="ready")
        self._coming: asyncio.Task[Mapping[str, bool]] | None = None
        self._found: Mapping[str, bool] = {}
        self._counts_until = 0.0

    async def results(self) -> Mapping[str, bool]:
        """What each check says, or said a moment ago."""
        if time.monotonic() < self._counts_until:
            return self._found
        if self._coming is None:
            self._coming = asyncio.ensure_future(self._ask())
        return await asyncio.shield(self._coming)  # one who hangs up does not take it from the others

    async def _ask(self) -> Mapping[str, bool]:
        loop = asyncio.get_running_loop()
        try:
            answers = await asyncio.gather(
                *(loop.run_in_executor(self._threads, check) for check in self._checks.values())
            )
        finally:
            self._coming = None
        self._found = dict(zip(self._checks, answers, strict=True))
        self._counts_until = time.monotonic() + (READY_SECONDS if all(answers) else NOT_READY_SECONDS)
        return self._found
