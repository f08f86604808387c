"""Flask behind ASGI in one hop: the whole request in, one call in a thread, the whole answer out.

Connexion bundles a2wsgi for this, which streams both ways through queues and costs a third of a request (measured, see
docs/performance.md). Our requests are small and bounded before they get here, and no answer is a stream.
"""

import asyncio
import contextvars
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import Any, cast

from a2wsgi.wsgi import build_environ
from starlette.types import Receive, Scope, Send

from chassis.validation import read_body


class OneHop:
    """An ASGI application that runs a WSGI one in thread pools of its own.

    A few threads serve what ends by itself: more of them only fight for the interpreter. Operations that wait for somebody
    outside (`waiting`: operation ids) have other threads, so that a slow payment provider holds up nothing but payments.
    """

    def __init__(self, app: Any, threads: int, *, waiting: Collection[str] = (), waiting_threads: int = 1) -> None:
        self.app = app
        self._quick = ThreadPoolExecutor(threads, thread_name_prefix="http")
        self._patient = ThreadPoolExecutor(waiting_threads, thread_name_prefix="waiting")
        self._waiting = frozenset(waiting)

    def executor_of(self, scope: Scope) -> ThreadPoolExecutor:
        """The pool for the operation that Connexion has routed this request to."""
        operation = scope.get("extensions", {}).get("connexion_routing", {}).get("operation_id")
        return self._patient if operation in self._waiting else self._quick

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await read_body(receive)
        # In a WSGI environment `X_Name` is `X-Name`: who may not say the one must not say the other.
        told = {**scope, "headers": [each for each in scope["headers"] if b"_" not in each[0]]}
        environ: Any = build_environ(cast(Any, told), cast(Any, BytesIO(body)))
        environ["CONTENT_LENGTH"] = str(len(body))
        loop = asyncio.get_running_loop()
        work = partial(contextvars.copy_context().run, self._call, environ)
        status, headers, content = await loop.run_in_executor(self.executor_of(scope), work)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _call(self, environ: dict[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            if exc_info is not None:
                raise exc_info[1].with_traceback(exc_info[2])
            started[:] = [int(status[:3]), [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers]]

        chunks: Iterable[bytes] = self.app(environ, start_response)
        try:
            content = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        return started[0], started[1], content
