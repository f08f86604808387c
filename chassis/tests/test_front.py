"""What a process without an api answers: the operator's pages, and to everybody else "not here"."""

import asyncio
from typing import Any

import orjson
import pytest

from chassis.front import Front, Headers


def ask(
    path: str, method: str = "GET", *, headers: Headers = (), app: Any = None
) -> tuple[int, dict[bytes, bytes], Any]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(Front(app, {"always": lambda: True})(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), orjson.loads(sent[1]["body"])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_reached_a_worker_is_to_be_tried_again(method: str) -> None:
    """As when containers restarted and got each other's addresses: 404 would tell a buyer that there is no order."""
    status, headers, answer = ask("/v1/orders/create-order", method)
    assert (status, headers[b"retry-after"], headers[b"content-type"]) == (503, b"2", b"application/vnd.api+json")
    assert answer["errors"][0]["code"] == "misdirected"


def test_a_worker_shows_that_it_lives() -> None:
    assert ask("/healthz")[0] == ask("/readyz")[0] == 200


@pytest.mark.parametrize("declared", [b"9" * 5000, b"0" * 5000, b"1048577", b"-1", b"1e3", b""])
def test_a_length_that_is_too_much_or_none_at_all_is_413(declared: bytes) -> None:
    """Python reads no number of more than 4300 digits, and says so by an exception."""

    async def app(*_: Any) -> None:
        raise AssertionError("not reached")

    status, _, answer = ask("/v1/orders", "POST", headers=[(b"content-length", declared)], app=app)
    assert (status, answer["errors"][0]["code"]) == (413, "payload-too-large")
