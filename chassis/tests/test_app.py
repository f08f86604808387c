"""A request through the whole stack: who may, what is well formed, and how refusals look."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chassis import auth
from chassis.responses import JSON_API
from chassis.testing import Client, sign

NOTE = {"data": {"type": "note", "attributes": {"text": "Hello"}}}


def note(**attributes: Any) -> dict[str, Any]:
    return {"data": {"type": "note", "attributes": attributes}}


def count(client: Client) -> int:
    found: int = client.get("/v1/notes").json()["meta"]["count"]
    return found


def test_a_note_is_pinned_and_says_where(client: Client) -> None:
    answer = client.as_user(7).post("/v1/notes", json=NOTE)
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == JSON_API
    assert answer.headers["Location"] == "/v1/notes/1"
    assert answer.json() == {"data": {"type": "note", "id": "1", "attributes": {"text": "Hello"}}}


def test_nobody_pins_without_a_token(client: Client) -> None:
    answer = client.post("/v1/notes", json=NOTE)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "unauthorized"
    assert answer.json()["error"] == "Please log in to do this."
    assert count(client) == 0


@pytest.mark.parametrize("header", ["Bearer nonsense", "JWT ", "Basic dXNlcjpwYXNz", "nonsense", "JWT a.b.c"])
def test_a_malformed_token_is_refused_even_where_login_is_optional(client: Client, header: str) -> None:
    answer = client.get("/v1/notes", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "invalid-token"


@pytest.mark.parametrize("scheme", ["JWT", "Bearer", "jwt"])
def test_both_schemes_of_existing_clients_are_read(client: Client, scheme: str) -> None:
    answer = client.with_token(sign(7), scheme).get("/v1/notes")
    assert answer.json()["meta"]["caller"] == 7


def test_an_expired_token_says_so(client: Client) -> None:
    answer = client.with_token(sign(7, exp=1)).get("/v1/notes")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "token-expired"


def test_a_refresh_token_opens_nothing(client: Client) -> None:
    assert client.with_token(sign(7, typ="refresh")).get("/v1/notes").status_code == 401


def test_an_ended_session_is_refused_although_its_token_was_remembered(client: Client) -> None:
    somebody = client.as_user(7)
    assert somebody.get("/v1/notes").status_code == 200
    auth.keyring().end(7, "session-7", 9e9)
    answer = somebody.get("/v1/notes")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "session-ended"


@pytest.mark.parametrize(("role", "status"), [("user", 403), ("admin", 403), ("super-admin", 200)])
def test_a_role_includes_the_lower_ones_only(client: Client, role: str, status: int) -> None:
    client.as_user(7).post("/v1/notes", json=NOTE)
    assert client.as_user(1, role=role).delete("/v1/notes").status_code == status
    assert count(client) == (0 if status == 200 else 1)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (note(), "/data/attributes"),
        (note(text=""), "/data/attributes/text"),
        (note(text=5), "/data/attributes/text"),
        (note(text="x", size=0), "/data/attributes/size"),
        ({"data": []}, "/data"),
    ],
)
def test_a_body_that_does_not_follow_the_spec_is_422_with_a_pointer(client: Client, body: Any, pointer: str) -> None:
    answer = client.as_user(7).post("/v1/notes", json=body, headers={"Content-Type": JSON_API})
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert (error["status"], error["code"], error["source"]) == ("422", "invalid", {"pointer": pointer})
    assert count(client) == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (note(text="a\0b"), "/data/attributes/text"),
        (note(text="x", **{"n\0": 1}), "/data/attributes"),
        (note(text="x", more=[{"deep": ["a", "\0"]}]), "/data/attributes/more/0/deep/1"),
    ],
)
def test_a_nul_character_in_a_body_is_422_with_a_pointer(client: Client, body: Any, pointer: str) -> None:
    answer = client.as_user(7).post("/v1/notes", json=body)
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert (error["code"], error["source"]) == ("value-invalid", {"pointer": pointer})
    assert count(client) == 0


def test_what_only_looks_like_a_nul_character_is_a_text(client: Client) -> None:
    answer = client.as_user(7).post("/v1/notes", json=note(text="\\u0000 and %00"))
    assert (answer.status_code, answer.json()["data"]["attributes"]["text"]) == (201, "\\u0000 and %00")


@pytest.mark.parametrize(
    ("address", "status", "source"),
    [
        ("/v1/notes?author=a%00b", 400, {"parameter": "author"}),
        ("/v1/notes?a%00b=1", 400, {"parameter": ""}),
        ("/v1/failures/a%00b", 400, None),
        ("/v1/notes?author=a%2500b", 200, None),
    ],
)
def test_a_nul_character_in_an_address_is_400(client: Client, address: str, status: int, source: Any) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    if status == 400:
        error = answer.json()["errors"][0]
        assert (error["code"], error.get("source")) == ("parameter-invalid", source)


@pytest.mark.parametrize("depth", [300, 1000, 5000])
def test_a_body_that_is_wrong_and_very_deep_is_no_mistake_of_ours(client: Client, depth: int) -> None:
    body = b'{"data":{"type":"note","attributes":{"size":' + b"[" * depth + b"]" * depth + b"}}}"
    answer = client.as_user(7).request("POST", "/v1/notes", content=body, headers={"Content-Type": JSON_API})
    assert answer.status_code in (400, 422)
    assert count(client) == 0


def test_nullable_and_read_only_attributes_are_let_through(client: Client) -> None:
    answer = client.as_user(7).post("/v1/notes", json=note(text="x", size=None, **{"pinned-at": 17}))
    assert answer.status_code == 201


def test_broken_json_is_400(client: Client) -> None:
    answer = client.as_user(7).request("POST", "/v1/notes", content=b'{"data":', headers={"Content-Type": JSON_API})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "malformed-json"


def test_another_media_type_is_415(client: Client) -> None:
    answer = client.as_user(7).post("/v1/notes", json=NOTE, headers={"Content-Type": "application/json"})
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["code"] == "unsupported-media-type"


def test_who_does_not_accept_json_api_is_refused_before_anything_is_done(client: Client) -> None:
    for excludes in ("text/html", "application/json", f"{JSON_API};q=0"):
        answer = client.as_user(7).post("/v1/notes", json=NOTE, headers={"Accept": excludes})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (406, "not-acceptable")
    assert count(client) == 0
    for includes in ("*/*", f"text/html, {JSON_API};q=0.5", "application/*"):
        assert client.as_user(7).post("/v1/notes", json=NOTE, headers={"Accept": includes}).status_code == 201


def test_plain_json_is_answered_whatever_is_accepted(client: Client) -> None:
    """Existing clients ask for JSON:API everywhere."""
    assert client.get("/v1/notes", headers={"Accept": JSON_API}).status_code == 200


def test_a_body_of_ten_megabytes_is_413(client: Client) -> None:
    answer = client.as_user(7).post("/v1/notes", json=note(text="x" * 10_000_000))
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["code"] == "payload-too-large"


def test_an_unknown_path_is_404_and_a_wrong_method_405(client: Client) -> None:
    assert client.get("/v1/nothing").json()["errors"][0]["code"] == "not-found"
    assert client.patch("/v1/notes", json=NOTE).status_code == 405


@pytest.mark.parametrize("kind", ["mistake", "database"])
def test_a_mistake_of_ours_says_nothing_but_the_request_id(client: Client, kind: str) -> None:
    answer = client.get(f"/v1/failures/{kind}", headers={"X-Request-Id": "abc-1"})
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] == "abc-1"
    assert answer.json()["errors"][0]["detail"] == "Something went wrong on our side. Please quote request id abc-1."
    assert "secret" not in answer.text


@pytest.mark.parametrize("kind", ["value", "driver"])
def test_a_value_that_the_database_cannot_take_is_400_and_in_no_log(
    client: Client, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get(f"/v1/failures/{kind}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "value-impossible")
    assert "secret" not in answer.text
    [record] = [each for each in caplog.records if each.message == "a value the database cannot take"]
    assert "secret" not in str(vars(record))


def test_unavailable_says_when_to_come_back(client: Client) -> None:
    answer = client.get("/v1/failures/down")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")


def test_the_operators_pages_need_no_login(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready", "checks": {"database": True}}
    assert "http_request_seconds" in client.get("/metrics").text


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key, "Content-Type": JSON_API}


def test_the_same_key_gives_the_same_answer_and_one_effect(client: Client) -> None:
    key = uuid.uuid4().hex
    first = client.as_user(7).post("/v1/notes", json=NOTE, headers=keyed(key))
    second = client.as_user(7).post("/v1/notes", json=NOTE, headers=keyed(key))
    assert (first.status_code, first.json(), first.headers["Location"]) == (201, second.json(), "/v1/notes/1")
    assert (second.status_code, second.headers["Idempotent-Replayed"], second.headers["Location"]) == (
        201,
        "true",
        "/v1/notes/1",
    )
    assert count(client) == 1


def test_the_same_key_with_another_body_is_422(client: Client) -> None:
    client.as_user(7).post("/v1/notes", json=NOTE, headers=keyed("k"))
    answer = client.as_user(7).post("/v1/notes", json=note(text="Other"), headers=keyed("k"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "idempotency-key-reused"
    assert count(client) == 1


def test_keys_of_different_people_do_not_meet(client: Client) -> None:
    for user in (7, 8):
        assert client.as_user(user).post("/v1/notes", json=NOTE, headers=keyed("k")).status_code == 201
    assert count(client) == 2


def test_a_refusal_is_repeated_although_the_reason_has_gone(client: Client) -> None:
    for _ in range(3):
        client.as_user(7).post("/v1/notes", json=NOTE)
    refused = client.as_user(7).post("/v1/notes", json=NOTE, headers=keyed("late"))
    client.as_user(1, role="super-admin").delete("/v1/notes")
    again = client.as_user(7).post("/v1/notes", json=NOTE, headers=keyed("late"))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "wall-full")
    assert (again.status_code, again.json()) == (409, refused.json())
    assert count(client) == 0


def test_equal_requests_at_once_have_one_effect_and_one_answer(client: Client) -> None:
    """Without the key in the effect's own transaction the wall would take several notes, or refuse the third as full."""
    for _ in range(2):
        client.as_user(7).post("/v1/notes", json=NOTE)
    gate = threading.Barrier(8)

    def pin(_: int) -> tuple[int, str]:
        gate.wait()
        answer = client.as_user(7).post("/v1/notes", json=NOTE, headers=keyed("at-once"))
        return answer.status_code, answer.text

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(pin, range(8)))
    assert len(answers) == 1
    assert answers.pop()[0] == 201
    assert count(client) == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
def test_an_unusable_key_is_refused(client: Client, key: str) -> None:
    assert client.as_user(7).post("/v1/notes", json=NOTE, headers=keyed(key)).status_code == 400
    assert count(client) == 0


def test_a_request_is_measured_under_the_name_of_its_operation(client: Client) -> None:
    client.get("/v1/notes")
    text = client.get("/metrics").text
    assert 'http_request_seconds_count{method="GET",operation="chassis.tests.notes.' in text
