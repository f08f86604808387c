"""Who repeats a request once is content with what that mends, and says what it does not."""

from collections.abc import Callable

import requests

from chaos.rolling import once_more


def answer(status: int, **headers: str) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = b"said"
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return made


def in_turn(*outcomes: requests.Response | Exception) -> Callable[[], requests.Response]:
    """Fails the test when asked more often."""
    left = list(outcomes)

    def ask() -> requests.Response:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return ask


def test_an_answer_is_not_asked_for_twice() -> None:
    refused = answer(409)
    assert once_more(in_turn(refused), after_seconds=0) is refused


def test_one_repetition_mends_a_reset_an_error_and_a_wait() -> None:
    for first in (requests.ConnectionError(), requests.Timeout(), answer(503), answer(429, Retry_After="1")):
        done = answer(200)
        assert once_more(in_turn(first, done), after_seconds=0) is done


def test_what_a_repetition_does_not_mend_is_said() -> None:
    assert once_more(in_turn(answer(503), answer(502)), after_seconds=0) == "502 said"
    assert "ConnectionError" in str(once_more(in_turn(answer(503), requests.ConnectionError()), after_seconds=0))
