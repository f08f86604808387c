"""A renderer that is killed (SIGKILL, no goodbye) at the moment that its first argument names. Run by test_killing.py."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import chassis.db
from chassis.config import load
from services.tickets import renderer, start, stored
from services.tickets.config import Settings
from services.tickets.tests.arranged import Hand


def killing(function: Callable[..., Any]) -> Callable[..., Any]:
    def first_work_then_die(*arguments: Any, **named: Any) -> None:
        function(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return first_work_then_die


def main(moment: str) -> None:
    settings = load(Settings, os.environ)
    chassis.db.configure(settings.database_url)
    start.prepare(settings, ["test"])
    hand: Any = Hand()
    if moment == "drawing":
        hand.render_ticket = killing(hand.render_ticket)
    elif moment == "storing":
        storage: Any = stored.storage()
        storage.put = killing(storage.put)
    elif moment == "before the commit":
        renderer._finish = killing(renderer._finish)
    elif moment == "after the commit":
        renderer.finish = killing(renderer.finish)
    renderer.render_one(hand, stored.storage())


if __name__ == "__main__":
    main(sys.argv[1])
