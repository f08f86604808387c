"""Every link that a document carries is answered: documents are built from declarations, and so is the routing table."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

from chassis.jsonapi import Resource
from chassis.jsonapi.resource import registered
from gateway.config import SERVICES
from gateway.main import specs
from gateway.routing import RoutingTable

NOTHING_OF_THE_KIND = {("events", "video-stream")}  # a type without a row: no document of it is ever made


class Row:
    """A row whose every column is a number, but for what is called an identifier."""

    def __getattr__(self, name: str) -> Any:
        return "abcd1234" if name == "identifier" else 17


def resources() -> Iterator[tuple[str, Resource[Any]]]:
    for name in SERVICES:
        api = import_module(f"services.{name}.api")
        for module in iter_modules(api.__path__):
            import_module(f"{api.__name__}.{module.name}")
        found = import_module(f"services.{name}.main").SERVICE.metadata[0]
        yield from ((name, resource) for resource in registered(found))


def links(resource: Resource[Any]) -> Iterator[str]:
    base = resource.serializer.self_link(Row(), "17")
    yield base
    for link in resource.plan.links.values():
        if link.relation.is_readable:
            yield link.related_link(Row(), "17") if link.related_link else f"{base}/{link.relation.name}"
            if link.has_linkage:
                yield f"{base}/relationships/{link.relation.name}"


@pytest.fixture(scope="module")
def table() -> RoutingTable:
    return RoutingTable(specs())


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(each, id=f"{name}-{each.type}")
        for name, each in resources()
        if (name, each.type) not in NOTHING_OF_THE_KIND
    ],
)
def test_every_link_of_a_document_is_answered(table: RoutingTable, resource: Resource[Any]) -> None:
    assert [link for link in links(resource) if table.find("GET", link.partition("?")[0]) is None] == []
