"""Answers that everybody gets: kept for a second, shared by those who ask at once, forgotten by a change."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from gateway.routing import RoutingTable
from gateway.tests.conftest import bearer
from gateway.tests.test_routing import operation, spec


def get(url: str, path: str = "/v1/shop", **headers: str) -> requests.Response:
    return requests.get(url + path, headers=headers, timeout=10)


def test_who_is_not_logged_in_gets_the_kept_answer(url: str, upstream: Any) -> None:
    first = get(url)
    upstream.content = b'{"meta":{"new":1}}'
    second = get(url)
    assert (second.status_code, second.content, second.headers["ETag"]) == (200, b'{"meta":{}}', 'W/"1"')
    assert second.headers["Content-Type"] == "application/vnd.api+json"
    assert second.headers["Cache-Control"] == "public, max-age=0, s-maxage=1"
    assert second.headers["Vary"] == "Authorization, Accept, Origin"
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert len(upstream.seen) == 1


def test_it_is_kept_for_a_second_only(url: str, upstream: Any) -> None:
    get(url)
    upstream.content = b'{"meta":{"new":1}}'
    time.sleep(1.1)
    assert get(url).json() == {"meta": {"new": 1}}


def test_another_query_and_another_media_type_are_other_answers(url: str, upstream: Any) -> None:
    get(url)
    get(url, "/v1/shop?page%5Bnumber%5D=2")
    get(url, Accept="application/json")
    assert len(upstream.seen) == 3


def test_who_is_logged_in_is_answered_by_the_service(url: str, upstream: Any) -> None:
    get(url)
    upstream.content = b'{"meta":{"mine":1}}'
    answer = get(url, **bearer())
    assert (answer.json(), answer.headers["Cache-Control"]) == ({"meta": {"mine": 1}}, "private, no-cache")
    assert get(url).json() == {"meta": {}}, "and what he was told is nobody else's"
    assert len(upstream.seen) == 2


def test_who_has_it_already_gets_304_from_here(url: str, upstream: Any) -> None:
    assert get(url, **{"If-None-Match": 'W/"1"'}).status_code == 304
    answer = get(url, **{"If-None-Match": 'W/"1"'})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", 'W/"1"')
    assert get(url, **{"If-None-Match": 'W/"2"'}).status_code == 200
    assert len(upstream.seen) == 1
    assert "if-none-match" not in upstream.seen[0][2], "or there would be nothing to keep"


def test_a_change_is_seen_at_once(url: str, upstream: Any) -> None:
    get(url)
    upstream.content = b'{"meta":{"new":1}}'
    assert requests.patch(f"{url}/v1/shop", data=b"{}", headers=bearer(), timeout=5).status_code == 200
    assert get(url).json() == {"meta": {"new": 1}}


def test_a_change_whose_answer_is_lost_counts_as_one(url: str, upstream: Any) -> None:
    get(url)
    upstream.content = b'{"meta":{"new":1}}'
    assert requests.patch(f"{url}/v1/shop?/lost", data=b"{}", headers=bearer(), timeout=5).status_code == 503
    assert get(url).json() == {"meta": {"new": 1}}


def test_a_refused_change_costs_the_others_nothing(url: str, upstream: Any) -> None:
    get(url)
    upstream.status = 403
    assert requests.patch(f"{url}/v1/shop", data=b"{}", headers=bearer(), timeout=5).status_code == 403
    upstream.status = 200
    get(url)
    assert [method for method, *_ in upstream.seen] == ["GET", "PATCH"]


def test_those_who_ask_at_once_share_one_question(url: str, upstream: Any) -> None:
    upstream.may_answer.clear()
    with ThreadPoolExecutor(20) as pool:
        asking = [pool.submit(get, url) for _ in range(20)]
        wait_for(lambda: bool(upstream.seen))
        time.sleep(0.2)  # for the other nineteen
        upstream.may_answer.set()
        assert {each.result().status_code for each in asking} == {200}
    assert len(upstream.seen) == 1


def test_an_answer_that_a_change_overtook_is_not_kept(url: str, upstream: Any) -> None:
    """The service read before the change and answered after it."""
    upstream.may_answer.clear()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(get, url)
        wait_for(lambda: bool(upstream.seen))
        upstream.content = b'{"meta":{"new":1}}'
        requests.patch(f"{url}/v1/shop", data=b"{}", headers=bearer(), timeout=5)
        upstream.may_answer.set()
        assert reading.result().json() == {"meta": {}}
    assert get(url).json() == {"meta": {"new": 1}}


@pytest.mark.parametrize("status", [404, 500, 503])
def test_failures_are_not_kept(url: str, upstream: Any, status: int) -> None:
    upstream.status = status
    assert get(url).status_code == status
    upstream.status = 200
    assert get(url).status_code == 200


def test_a_service_that_is_down_is_503_for_all_who_wait(url: str, upstream: Any) -> None:
    upstream.shutdown()
    upstream.server_close()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: get(url), range(3)))
    assert {(answer.status_code, answer.headers["Retry-After"]) for answer in answers} == {(503, "2")}


def test_large_answers_are_not_kept(url: str, upstream: Any) -> None:
    upstream.content = b"x" * 300_000
    get(url)
    assert len(get(url).content) == 300_000
    assert len(upstream.seen) == 2


@pytest.mark.parametrize("given", [{"security": [{"jwt": ["user"]}]}, {"security": [], "method": "post"}])
def test_only_what_anybody_may_get_can_be_kept(given: dict[str, Any]) -> None:
    method = given.pop("method", "get")
    declared = {**operation("thing", **given), "x-kept-seconds": 1}
    with pytest.raises(ValueError, match="only what anybody may GET can be kept"):
        RoutingTable({"events": spec({"/v1/things": {method: declared}})})


def wait_for(is_so: Any) -> None:
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)
