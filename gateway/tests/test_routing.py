"""The routing table: every path finds its one owner."""

from typing import Any

import pytest

from gateway.document import merge
from gateway.routing import AmbiguousPathError, RoutingTable

USER: list[Any] = [{"jwt": ["user"]}]


def spec(paths: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"openapi": "3.0.3", "paths": paths, "components": {}}


def operation(name: str, parameters: list[dict[str, Any]] | None = None, **rest: Any) -> dict[str, Any]:
    return {
        "operationId": f"services.x.api.{name}",
        "summary": name,
        "security": USER,
        "parameters": parameters or [],
        "responses": {"200": {"description": name}},
        **rest,
    }


def path(name: str, **schema: Any) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": schema}]


SPECS = {
    "events": spec(
        {
            "/v1/tickets/{id}": {"get": operation("ticket", path("id", type="integer"))},
            "/v1/events/{identifier}": {"get": operation("event", path("identifier", type="string"))},
            "/v1/events/upcoming": {"get": operation("upcoming")},
        }
    ),
    "orders": spec(
        {
            "/v1/events/{event}/orders": {"get": operation("orders", path("event", type="string"))},
            "/v1/orders/{identifier}/charge": {"post": operation("charge", path("identifier", type="string"))},
        }
    ),
    "tickets": spec(
        {
            "/v1/tickets/{order_identifier}": {
                "get": operation("pdf", path("order_identifier", type="string", pattern="^[0-9a-f-]{36}$"))
            },
            "/v1/orders/attendees/{id}.pdf": {"get": operation("one", path("id", type="integer"))},
        }
    ),
}


@pytest.mark.parametrize(
    ("method", "where", "owner"),
    [
        ("GET", "/v1/tickets/17", "services.x.api.ticket"),
        ("GET", "/v1/tickets/0d5b7c9e-1111-4222-8333-444455556666", "services.x.api.pdf"),
        ("GET", "/v1/events/upcoming", "services.x.api.upcoming"),
        ("GET", "/v1/events/deadbeef", "services.x.api.event"),
        ("GET", "/v1/events/upcoming/orders", "services.x.api.orders"),
        ("POST", "/v1/orders/abc/charge", "services.x.api.charge"),
        ("GET", "/v1/orders/attendees/5.pdf", "services.x.api.one"),
        ("GET", "/v1/orders/attendees/five.pdf", None),
        ("GET", "/v1/tickets/not-a-uuid", None),
        ("DELETE", "/v1/tickets/17", None),
        ("GET", "/v1/events//orders", None),
        ("GET", "/v1", None),
        ("GET", "", None),
    ],
)
def test_a_path_finds_its_owner(method: str, where: str, owner: str | None) -> None:
    route = RoutingTable(SPECS).find(method, where)
    assert (route.operation_id if route else None) == owner


def test_the_methods_of_twins_are_known_together() -> None:
    assert RoutingTable(SPECS).methods("/v1/tickets/17") == {"GET"}


def test_two_owners_of_one_operation_do_not_start() -> None:
    twice = {"events": SPECS["events"], "orders": SPECS["events"]}
    with pytest.raises(AmbiguousPathError, match="served by events and by orders"):
        RoutingTable(twice)


def test_an_operation_that_declares_nothing_does_not_start() -> None:
    undeclared = {"events": spec({"/v1/x": {"get": operation("x", security=None)}})}
    with pytest.raises(ValueError, match="who may call"):
        RoutingTable(undeclared)


def test_the_public_document_merges_twins_and_keeps_components_apart() -> None:
    document = merge(SPECS)
    assert sorted(document["paths"]) == [
        "/v1/events/upcoming",
        "/v1/events/{event}/orders",
        "/v1/events/{identifier}",
        "/v1/orders/attendees/{id}.pdf",
        "/v1/orders/{identifier}/charge",
        "/v1/tickets/{id}",
    ]
    twin = document["paths"]["/v1/tickets/{id}"]["get"]
    assert twin["tags"] == ["Events: ticket", "Tickets: pdf"]
    assert "Role: user." in twin["description"]
    assert twin["security"] == [{"jwt": []}]
