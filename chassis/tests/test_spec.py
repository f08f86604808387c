from pathlib import Path
from typing import Any

import pytest
from connexion import FlaskApp

from chassis import spec
from chassis.spec import SpecError

COMMON = Path(__file__).parent.parent / "openapi" / "common.yaml"

SERVICE = """
openapi: 3.0.3
info: {title: Test, version: 2026-11-24}
paths:
  /v1/things:
    get:
      operationId: chassis.tests.test_spec.list_things
      security: [{}, {jwt: [user]}]
      parameters:
        - $ref: '{common}#/components/parameters/page-size'
        - $ref: '{common}#/components/parameters/filter'
        - $ref: '{common}#/components/parameters/fields'
      responses:
        200:
          description: Things.
          content:
            application/vnd.api+json:
              schema: {$ref: '#/components/schemas/thing'}
        400: {$ref: '{common}#/components/responses/BadRequest'}
components:
  securitySchemes:
    jwt: {$ref: '{common}#/components/securitySchemes/jwt'}
  schemas:
    named:
      required: [name]
      properties: {attributes: {properties: {name: {type: string}}}}
    thing:
      type: object
      required: [type]
      allOf: [{$ref: '#/components/schemas/named'}]
      properties:
        type: {type: string}
        attributes: {type: object, properties: {size: {$ref: '#/components/schemas/size'}}}
        relationships: {type: object, properties: {other: {x-type: thing}}}
    size: {type: integer, readOnly: true}
"""


def list_things() -> None:
    """An operation target."""


def write(folder: Path, text: str = SERVICE) -> Path:
    path = folder / "openapi.yaml"
    path.write_text(text.replace("{common}", str(COMMON)))
    return path


@pytest.fixture
def document(tmp_path: Path) -> spec.Document:
    return spec.load(write(tmp_path))


def test_what_is_referred_to_comes_home_with_all_that_it_refers_to(document: spec.Document) -> None:
    components = document["components"]
    assert set(components["schemas"]) == {"named", "thing", "size", "errors", "error", "error-source", "jsonapi"}
    assert set(components["parameters"]) == {"page-size", "filter", "fields"}
    assert set(components["responses"]) == {"BadRequest"}
    assert document["paths"]["/v1/things"]["get"]["responses"]["400"] == {"$ref": "#/components/responses/BadRequest"}


def test_every_reference_is_local(document: spec.Document) -> None:
    assert all(reference.startswith("#/components/") for reference in references(document))


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for item in node for found in references(item)]
    if not isinstance(node, dict):
        return []
    found = [value for key, value in node.items() if key == "$ref"]
    return found + [inner for value in node.values() for inner in references(value)]


def test_the_document_is_json(document: spec.Document) -> None:
    assert document["info"]["version"] == "2026-11-24"
    assert list(document["paths"]["/v1/things"]["get"]["responses"]) == ["200", "400"]


def test_two_loads_share_nothing(tmp_path: Path) -> None:
    path = write(tmp_path)
    first = spec.load(path)
    first["components"]["schemas"].clear()
    assert "thing" in spec.load(path)["components"]["schemas"]


def test_common_parts_are_valid_by_themselves() -> None:
    assert all(reference.startswith("#/") for reference in references(spec.load(COMMON)))


def test_connexion_takes_it(document: spec.Document) -> None:
    FlaskApp("spec").add_api(document)


def test_resource_schemas_are_resolved_and_merged(document: spec.Document) -> None:
    schema = spec.resource_schema(document, "thing")
    assert schema["required"] == ["name", "type"]
    assert spec.properties(document, schema, "attributes") == {
        "name": {"type": "string"},
        "size": {"type": "integer", "readOnly": True},
    }
    assert spec.properties(document, schema, "relationships") == {"other": {"x-type": "thing"}}
    assert spec.properties(document, schema, "links") == {}


def test_operations_come_with_their_method_and_path(document: spec.Document) -> None:
    assert [(method, path) for method, path, _ in spec.operations(document)] == [("get", "/v1/things")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("#/components/parameters/filter", "#/components/parameters/nothing"),
        ("#/components/parameters/filter", "#/info"),
        ("    size: {", "    error: {type: object}\n    size: {"),
    ],
)
def test_what_leads_nowhere_or_collides_stops_the_start(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(SpecError):
        spec.load(write(tmp_path, SERVICE.replace(old, new)))


@pytest.mark.parametrize(
    "schemas",
    [
        {},
        {"thing": {"$ref": "#/components/schemas/thing"}},
        {"thing": {"$ref": "#/components/schemas/other"}},
        {"thing": {"$ref": "elsewhere.yaml#/x"}},
    ],
)
def test_a_type_without_a_schema_is_a_mistake(schemas: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        spec.resource_schema({"components": {"schemas": schemas}}, "thing")
