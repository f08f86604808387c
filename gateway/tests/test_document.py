"""The public document: one valid OpenAPI document with every operation of the five services."""

import re
from typing import Any

from connexion.spec import Specification

from chassis.spec import operations
from gateway.document import assets, merge
from gateway.main import specs


def test_the_merged_document_is_valid_and_complete() -> None:
    documents = specs()
    merged = merge(documents)
    Specification.from_dict(merged)  # raises what is wrong, by OpenAPI's own schema
    shapes = {(method, re.sub(r"\{[^}]+\}", "{}", path)) for method, path, _ in operations(merged)}
    for document in documents.values():
        for method, path, _ in operations(document):
            assert (method, re.sub(r"\{[^}]+\}", "{}", path)) in shapes, f"{method} {path} is missing"


def test_every_reference_leads_somewhere() -> None:
    merged = merge(specs())
    found: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if isinstance(reference := node.get("$ref"), str):
                found.add(reference)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(merged)
    for reference in found:
        place: Any = merged
        for step in reference.removeprefix("#/").split("/"):
            assert step.replace("~1", "/") in place, reference
            place = place[step.replace("~1", "/")]


def test_operations_are_listed_by_what_they_are_about() -> None:
    merged = merge(specs())
    listed = [tag["name"] for tag in merged["tags"]]
    used = [tag for _, _, operation in operations(merged) for tag in operation["tags"]]
    assert set(used) == set(listed)
    assert max(used.count(tag) for tag in listed) < 25
    assert merged["paths"]["/v1/orders/{identifier}/charge"]["post"]["tags"] == ["Orders: charges"]
    assert merged["paths"]["/v1/tickets/{id}"]["get"]["tags"] == ["Events: tickets", "Tickets: downloads"]


def test_the_page_and_what_it_loads_are_served_by_us() -> None:
    pages = assets()
    html = pages["/docs"][1].decode()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert [path for path in loaded if path not in pages and not path.startswith("data:")] == []
