"""The gateway before a service that notes everything it sees: what is refused here never gets there."""

import socket
from typing import Any

import pytest
import requests

from chassis import auth
from gateway.cors import Cors
from gateway.tests.conftest import bearer


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("POST", "/v1/things", {}, 401, "unauthorized"),
        ("POST", "/v1/things", {"Authorization": "JWT broken"}, 401, "invalid-token"),
        ("POST", "/v1/things", bearer(exp=1), 401, "token-expired"),
        ("DELETE", "/v1/things", bearer(), 403, "role-required"),
        ("PATCH", "/v1/things", bearer(), 405, "method-not-allowed"),
        ("GET", "/v1/nothing", {}, 404, "no-such-path"),
        ("GET", "/../etc/passwd", {}, 404, "no-such-path"),
    ],
)
def test_what_is_refused_here_never_reaches_the_service(
    url: str, upstream: Any, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = requests.request(method, url + path, headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert upstream.seen == []


def test_a_request_is_forwarded_whole(url: str, upstream: Any) -> None:
    headers = {**bearer(), "Cookie": "a=b", "X-Client-Address": "6.6.6.6", "X-Request-Id": "r-9", "If-Match": "x"}
    answer = requests.post(f"{url}/v1/things?filter=%5B%5D&a=b%20c", data=b'{"x":1}', headers=headers, timeout=5)
    assert (answer.status_code, answer.json(), answer.headers["ETag"]) == (200, {"meta": {}}, 'W/"1"')
    assert answer.headers["X-Request-Id"] == "r-9"
    [(method, path, seen, body)] = upstream.seen
    assert (method, path, body) == ("POST", "/v1/things?filter=%5B%5D&a=b%20c", b'{"x":1}')
    assert seen["x-client-address"] == "127.0.0.1"
    assert (seen["x-request-id"], seen["if-match"]) == ("r-9", "x")
    assert "cookie" not in seen


def test_nobody_chooses_an_address(url: str, upstream: Any) -> None:
    """Limits are per address: only a proxy that the operator trusts may say whose request it brings."""
    headers = {"X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6", "X-Client-Address": "6.6.6.6"}
    requests.get(f"{url}/v1/things", headers=headers, timeout=5)
    [(_, _, seen, _)] = upstream.seen
    assert seen["x-client-address"] == "127.0.0.1"
    assert not {"x-forwarded-for", "forwarded"} & set(seen)


def test_headers_with_an_underscore_are_not_passed_on(url: str, upstream: Any) -> None:
    """WSGI takes `X_Client_Address` for `X-Client-Address`, and would join what a stranger says with what we say."""
    headers = {"X_Client_Address": "6.6.6.6", "If_None_Match": "*", "x-client_address": "6.6.6.6", "X-Fine": "1"}
    requests.get(f"{url}/v1/things", headers=headers, timeout=5)
    [(_, _, seen, _)] = upstream.seen
    assert seen["x-client-address"] == "127.0.0.1"
    assert seen["x-fine"] == "1"
    assert [name for name in seen if "_" in name] == []


def test_a_body_that_is_too_large_is_413(url: str, upstream: Any) -> None:
    answer = requests.post(f"{url}/v1/things", data=b"x" * 1_100_000, headers=bearer(), timeout=5)
    assert answer.status_code == 413
    assert upstream.seen == []


def test_a_service_that_is_down_is_503_with_retry_after(url: str, upstream: Any) -> None:
    upstream.shutdown()
    upstream.server_close()
    answer = requests.get(f"{url}/v1/things", timeout=10)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    error = answer.json()["errors"][0]
    assert (error["code"], error["meta"]) == ("service-unavailable", {"service": "events"})


def test_a_service_that_is_not_reached_in_time_was_not_asked_either(url: str, upstream: Any) -> None:
    """As a stopped container or a lost machine: nobody refuses the connection, and nobody takes it."""
    upstream.shutdown()
    upstream.server_close()
    with socket.create_server(upstream.server_address, backlog=0) as deaf, socket.create_connection(deaf.getsockname()):
        answer = requests.post(f"{url}/v1/things", data=b"{}", headers=bearer(), timeout=10)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.json()["errors"][0]["code"] == "service-unavailable"


def test_a_lost_answer_says_how_to_go_on(url: str, upstream: Any) -> None:
    answer = requests.post(f"{url}/v1/things?/lost", data=b"{}", headers=bearer(), timeout=10)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "answer-lost")
    assert len(upstream.seen) == 1


def test_too_many_requests_are_429_with_retry_after(url: str, upstream: Any) -> None:
    answers = [requests.post(f"{url}/v1/login", timeout=5) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "30"
    assert len(upstream.seen) == 2


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://shop.example", "https://shop.example"), ("https://evil.example", None)]
)
def test_only_declared_origins_may_call_from_a_browser(
    url: str, upstream: Any, origin: str, allowed: str | None
) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = requests.options(f"{url}/v1/things", headers=headers, timeout=5)
    assert preflight.status_code == 204
    assert preflight.headers.get("Access-Control-Allow-Origin") == allowed
    assert preflight.headers.get("Access-Control-Allow-Methods") == ("DELETE, GET, OPTIONS, POST" if allowed else None)
    assert upstream.seen == []


@pytest.mark.parametrize("path", ["/v1/shop", "/v1/things", "/v1/nothing"])
def test_a_cache_gives_no_origin_the_answer_to_another(url: str, path: str) -> None:
    """Also not what was first asked without one, as by a server: a browser would be refused."""
    for headers in ({}, {"Origin": "https://shop.example"}, {"Origin": "https://evil.example"}):
        answer = requests.get(url + path, headers=headers, timeout=5)
        assert "Origin" in answer.headers["Vary"], headers


def test_where_any_origin_may_call_all_get_the_same_headers() -> None:
    cors = Cors(["*"])
    assert cors.headers(None) == cors.headers(b"https://shop.example")
    assert dict(cors.headers(None))[b"access-control-allow-origin"] == b"*"
    assert b"vary" not in dict(cors.headers(None))


def test_an_ended_session_ends_here_too(url: str, upstream: Any) -> None:
    headers = bearer()
    assert requests.post(f"{url}/v1/things", data=b"{}", headers=headers, timeout=5).status_code == 200
    auth.keyring().end(7, "", 9e9)
    assert requests.post(f"{url}/v1/things", data=b"{}", headers=headers, timeout=5).status_code == 401
    assert len(upstream.seen) == 1


def test_the_documentation_page_loads_nothing_from_elsewhere(url: str) -> None:
    answer = requests.get(f"{url}/docs", timeout=5)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
