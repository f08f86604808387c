"""A fake provider as a process: its command line, its start and its end."""

import argparse
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, ExceptionHandler, HTTPExceptionHandler

from local.fakes.books import Books
from local.fakes.control import Control
from local.fakes.deliveries import Deliveries
from local.fakes.faults import Faults
from local.fakes.line import Line
from local.fakes.sender import Sender, Sign


class Provider:
    """The parts that every provider has. Its own routes are added by `application`."""

    def __init__(self, books: Path) -> None:
        self.books = Books(books)
        self.faults = Faults(self.books)
        self.deliveries = Deliveries(self.books, self.faults)

    def application(
        self, routes: Sequence[Route], kinds: Mapping[str, str], sign: Sign, unknown_url: HTTPExceptionHandler
    ) -> Starlette:
        sender = Sender(self.deliveries, sign)

        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with sender.running():
                yield
            self.books.close()

        control = Control(self.books, self.faults, self.deliveries, kinds)
        refusals: Mapping[Any, ExceptionHandler] = {404: unknown_url, 405: unknown_url}
        return Starlette(routes=[*routes, *control.routes()], lifespan=lifespan, exception_handlers=refusals)


def arguments(name: str, port: int) -> argparse.ArgumentParser:
    """What every provider's command line has."""
    parser = argparse.ArgumentParser(prog=f"python -m local.fakes.{name}", description=f"A fake {name.title()}.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=port)
    parser.add_argument("--books", type=Path, default=Path(f"var/fakes/{name}.db"), help="a file; made when missing")
    parser.add_argument("--webhook-url", help="where events are posted; without it they are only kept")
    parser.add_argument("--webhook-events", type=_words, default=["*"], help="which ones: charge.*,refund.created")
    parser.add_argument("--public-url", help="how browsers reach it (default: as the caller did)")
    parser.add_argument("--quiet", action="store_true", help="no line per call")
    return parser


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def serve(build: Callable[[], ASGIApp], host: str, port: int) -> None:
    """Runs until SIGTERM or SIGINT, which end it within a second; calls that a fault holds up are cut off."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn stops first and then raises the signal again for whoever handled it before: that is us.
        signal.signal(number, lambda *_: sys.exit(0))
    uvicorn.run(
        build(),
        host=host,
        port=port,
        http=Line,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=0.5,  # type: ignore[arg-type]  # it goes to asyncio as it is
    )
