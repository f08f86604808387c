"""The same operations as services have them: a spec, Connexion in front, tokens, and bytes over HTTP."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy.orm import Session

import chassis
from chassis import auth
from chassis.app import create_app
from chassis.jsonapi.tests import library
from chassis.jsonapi.tests.library import Book
from chassis.responses import JSON_API
from chassis.testing import Client, fetch_test_keys

COMMON = Path(chassis.__path__[0]) / "openapi" / "common.yaml"


def common(part: str) -> dict[str, str]:
    return {"$ref": f"{COMMON}#/components/{part}"}


def operation(name: str, success: str = "200", *, has_body: bool = False, security: Any = None) -> dict[str, Any]:
    answer = {"description": "It.", "content": {JSON_API: {"schema": {"type": "object"}}}}
    described: dict[str, Any] = {
        "operationId": f"chassis.jsonapi.tests.library.{name}",
        "security": security or [{}, {"jwt": ["user"]}],
        "parameters": [
            common(f"parameters/{parameter}")
            for parameter in ("page-size", "page-number", "sort", "include", "filter", "fields", "get-trashed")
        ],
        "responses": {success: answer, "4XX": common("responses/Error")},
    }
    if has_body:
        schema = {"type": "object", "properties": {"data": {"$ref": "#/components/schemas/book"}}}
        described["requestBody"] = {"required": True, "content": {JSON_API: {"schema": schema}}}
    return described


IDENTITY = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
LOGGED_IN = [{"jwt": ["user"]}]


@pytest.fixture(scope="module")
def app(library_url: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    document = {
        "openapi": "3.0.3",
        "info": {"title": "Library", "version": "1"},
        "paths": {
            "/v1/books": {
                "get": operation("list_books"),
                "post": operation("create_book", "201", has_body=True, security=LOGGED_IN),
            },
            "/v1/books/{id}": {
                "parameters": [IDENTITY],
                "get": operation("get_book"),
                "patch": operation("update_book", has_body=True, security=LOGGED_IN),
                "delete": operation("delete_book", security=LOGGED_IN),
            },
            "/v1/books/{id}/reviews": {"parameters": [IDENTITY], "get": operation("list_reviews_of_book")},
        },
        "components": {**library.SPEC["components"], "securitySchemes": {"jwt": common("securitySchemes/jwt")}},
    }
    path = tmp_path_factory.mktemp("library") / "openapi.yaml"
    path.write_bytes(orjson.dumps(document))
    return create_app("library", path, {}, threads=2)


@pytest.fixture
def client(app: Any, db: Session) -> Client:
    auth.configure(auth.Keyring(fetch_test_keys))
    db.add_all([Book(id=101, title="One", identifier="one"), Book(id=102, title="Two", identifier="two", owner_id=7)])
    db.commit()
    return Client(app)


def test_lists_take_what_clients_send(client: Client) -> None:
    query = {"page[size]": "1", "sort": "-title", "fields[book]": "title", "cache": "true", "filterOptions[x]": "y"}
    answer = client.get("/v1/books", params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON_API)
    document = answer.json()
    assert ([item["attributes"] for item in document["data"]], document["meta"]) == ([{"title": "Two"}], {"count": 2})


def test_a_tag_saves_the_body(client: Client) -> None:
    tag = client.get("/v1/books/one").headers["etag"]
    again = client.get("/v1/books/one", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_write_and_read_again(client: Client) -> None:
    me = client.as_user(5)
    created = me.post("/v1/books", json={"data": {"type": "book", "attributes": {"title": "Three", "price": 9}}})
    assert created.status_code == 201
    path, identity = created.headers["location"], created.json()["data"]["id"]
    change = {"data": {"type": "book", "id": identity, "attributes": {"title": "3", "created-at": "now"}}}
    changed = me.patch(path, json=change)
    assert (changed.status_code, changed.json()["data"]["attributes"]["title"]) == (200, "3")
    assert client.as_user(6).patch(path, json=change).status_code == 403
    assert client.patch(path, json=change).status_code == 401
    assert me.delete(path).json()["meta"] == {"message": "The book was deleted."}
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "parameter"),
    [
        ("/v1/books?page[size]=x", 400, "page[size]"),
        ("/v1/books?page[number]=0", 400, "page[number]"),
        ("/v1/books?filter=[", 400, "filter"),
        ("/v1/books?filter=%00", 400, "filter"),
        ("/v1/books?sort=secret", 400, "sort"),
        ("/v1/books?include=nobody", 400, "include"),
        ("/v1/books/one/reviews?fields[review]=x", 400, "fields[review]"),
    ],
)
def test_bad_queries_are_refused(client: Client, path: str, status: int, parameter: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["source"]["parameter"] == parameter


def test_who_excludes_the_media_type_is_told(client: Client) -> None:
    assert client.get("/v1/books", headers={"Accept": "text/html"}).status_code == 406


def test_related_lists(client: Client) -> None:
    document = client.get("/v1/books/one/reviews").json()
    assert (document["data"], document["links"]) == ([], {"self": "/v1/books/one/reviews"})


@pytest.mark.parametrize(
    "query",
    [
        "fields=x&fields[book]=title",
        "fields[book]=title&fields=x",
        "fields" + "[a]" * 100 + "=title",
        "fields" + "[a]" * 3000 + "=title",
        "fields" + "[a]" * 900 + "=title&fields" + "[a]" * 900 + "[b]=title",
    ],
)
def test_a_query_string_that_contradicts_itself_is_400(client: Client, query: str) -> None:
    answer = client.get(f"/v1/books?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "parameter-invalid"
