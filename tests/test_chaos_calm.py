"""The checker reads when nothing waits, and reports what still waits when the time is over."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from chaos.calm import read_when_calm
from chaos.stores import Stores, World


class Looks:
    """Stores that show these numbers of waiting things, one per look; the last one for ever."""

    def __init__(self, *waiting: int) -> None:
        self.left = list(waiting)

    @contextmanager
    def __call__(self) -> Iterator[Stores]:
        yield cast(Stores, self)

    def waiting(self) -> dict[str, int]:
        return {"orders": self.left.pop(0) if len(self.left) > 1 else self.left[0]}

    def read(self, event_id: int) -> World:
        return World(event_id, waiting=self.waiting())


def test_it_waits_for_what_is_being_done() -> None:
    looks = Looks(3, 1, 0, 0, 0)
    assert read_when_calm(looks, 7, pause_seconds=0).waiting == {"orders": 0}
    assert looks.left == [0]


def test_what_comes_due_between_the_last_look_and_the_reading_is_waited_for() -> None:
    assert read_when_calm(Looks(0, 0, 1, 1, 0, 0, 0), 7, pause_seconds=0).waiting == {"orders": 0}


def test_what_stays_undone_is_reported_in_the_end() -> None:
    assert read_when_calm(Looks(1), 7, within_seconds=0.05, pause_seconds=0.01).waiting == {"orders": 1}
