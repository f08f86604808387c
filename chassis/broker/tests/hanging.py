"""A program that consumes a batch, handles its beginning, and then does nothing any more, until somebody kills it."""

import sys
import threading
import time
from collections.abc import Sequence

from chassis.broker import Outcome, connect
from chassis.broker.tests import hearing
from chassis.broker.tests.post import CATALOGUE, HASTE
from chassis.inbox import Dispatcher
from chassis.messages import Envelope


def hang(database_url: str, broker_url: str, prefix: str, handled_first: int) -> None:
    """Says how many messages it holds."""
    hearing.prepare(database_url)
    dispatch = Dispatcher("readers", [hearing.note], CATALOGUE)
    got: list[Envelope] = []

    def handle(batch: Sequence[Envelope]) -> Sequence[Outcome]:
        got.extend(batch)
        dispatch(batch[:handled_first])
        sys.stdout.write(f"{len(got)}\n")
        sys.stdout.flush()
        while True:
            time.sleep(60)

    connect(broker_url, catalogue=CATALOGUE, prefix=prefix, timing=HASTE).consume(
        "readers", handle, stop=threading.Event()
    )


if __name__ == "__main__":
    hang(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
