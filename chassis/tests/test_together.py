"""Questions of the same moment, asked as one."""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from chassis.errors import Conflict, DomainError, Unavailable
from chassis.together import Together


class Gated:
    """Answers tenfold; the first call waits until `open` is set. `calls`: what was asked together."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.asked = threading.Event()
        self.open = threading.Event()

    def __call__(self, questions: Sequence[int]) -> Sequence[int | DomainError]:
        self.calls.append(list(questions))
        if len(self.calls) == 1:
            self.asked.set()
            self.open.wait(5)
        if -1 in questions:
            raise Unavailable("Nobody answers.")
        return [Conflict(f"No {each}.") if each % 2 else each * 10 for each in questions]


@pytest.fixture
def gated() -> Gated:
    return Gated()


Ask = Callable[[Sequence[int]], list[Any]]


@pytest.fixture
def ask(gated: Gated) -> Ask:
    """The answers to 0, which is asked first, and to these, which all come while that call is under way, in this order."""
    together = Together[int, int](gated, at_most=3)

    def answers(questions: Sequence[int]) -> list[Any]:
        with ThreadPoolExecutor(len(questions) + 1) as threads:
            coming: list[Future[int]] = [threads.submit(together, 0)]
            assert gated.asked.wait(5)
            for place, question in enumerate(questions, start=1):
                coming.append(threads.submit(together, question))
                while len(together.waiting) < place:
                    time.sleep(0.001)
            gated.open.set()
            return [each.exception(5) or each.result() for each in coming]

    return answers


def test_who_asks_alone_does_not_wait_for_others(gated: Gated) -> None:
    gated.open.set()
    together = Together[int, int](gated, at_most=3)
    assert [together(2), together(4)] == [20, 40]
    assert gated.calls == [[2], [4]]


def test_who_comes_while_others_ask_is_asked_for_together(ask: Ask, gated: Gated) -> None:
    assert ask([2, 4]) == [0, 20, 40]
    assert gated.calls == [[0], [2, 4]]


def test_no_more_than_so_many_are_asked_at_once(ask: Ask, gated: Gated) -> None:
    assert ask([2, 4, 6, 8, 10]) == [0, 20, 40, 60, 80, 100]
    assert gated.calls == [[0], [2, 4, 6], [8, 10]]


def test_a_refusal_is_for_its_own_question(ask: Ask) -> None:
    first, even, odd, another = ask([2, 3, 4])
    assert (first, even, another) == (0, 20, 40)
    assert isinstance(odd, Conflict)
    assert odd.detail == "No 3."


def test_a_call_that_fails_fails_all_who_were_in_it_and_nobody_else(ask: Ask, gated: Gated) -> None:
    first, *failed, later = ask([-1, 2, 4, 6])
    assert (first, later) == (0, 60)
    assert [type(each) for each in failed] == [Unavailable] * 3
    assert gated.calls == [[0], [-1, 2, 4], [6]]


def test_an_answer_is_never_older_than_its_question() -> None:
    """Offers are judged by what is on sale when they are asked for."""
    versions = itertools.count(1)
    newest = 0

    def read(questions: Sequence[int]) -> Sequence[int]:
        return [newest] * len(questions)

    together = Together[int, int](read, at_most=8)

    def change_and_ask(_: int) -> bool:
        nonlocal newest
        mine = newest = next(versions)
        return together(0) >= mine

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(change_and_ask, range(2_000)))
