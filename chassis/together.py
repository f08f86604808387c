"""Questions of the same moment, asked as one.

Whoever asks while nobody does asks at once, alone. Who comes while that call is under way waits, and all who wait go with
the next call. So nobody waits longer than for one call besides their own, and the busier a process is, the less a question
costs. An answer is never older than its question.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from chassis.errors import DomainError

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Together(Generic[Question, Answer]):
    """`ask` of several questions, one answer or refusal for each, in their order."""

    def __init__(self, ask: Callable[[Sequence[Question]], Sequence[Answer | DomainError]], *, at_most: int) -> None:
        self._ask = ask
        self._at_most = at_most
        self._lock = threading.Lock()
        self._is_asking = False
        self.waiting: list[_Turn[Question, Answer]] = []

    def __call__(self, question: Question) -> Answer:
        """The answer. Raises the refusal, or what the call for all raised."""
        turn = _Turn[Question, Answer](question)
        with self._lock:
            self.waiting.append(turn)
            leads, self._is_asking = not self._is_asking, True
        if not leads:
            turn.come.acquire()
        if turn.answer is None:
            self._lead()
        if isinstance(turn.answer, BaseException):
            raise turn.answer
        assert turn.answer is not None  # noqa: S101 (whoever led has set it)
        return turn.answer

    def _lead(self) -> None:
        """Asks for all who wait by now, then lets the first who came meanwhile lead."""
        with self._lock:
            turns, self.waiting = self.waiting[: self._at_most], self.waiting[self._at_most :]
        try:
            answers = self._ask([turn.question for turn in turns])
            for turn, answer in zip(turns, answers, strict=True):
                turn.answer = answer
        except BaseException as error:
            for turn in turns:
                turn.answer = error
            raise
        finally:
            with self._lock:
                following = self.waiting[0] if self.waiting else None
                self._is_asking = following is not None
            for turn in (*turns, *([following] if following else [])):
                turn.come.release()


class _Turn(Generic[Question, Answer]):
    def __init__(self, question: Question) -> None:
        self.question = question
        self.answer: Answer | BaseException | None = None
        self.come = threading.Lock()
        self.come.acquire()
