"""What a type consists of, read once from its resource schema in the OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chassis import spec


@dataclass(frozen=True, slots=True)
class Attribute:
    """`name` as in documents, `key` as in Python; `level` is who may see it (``x-visible-to``)."""

    name: str
    key: str
    schema: Mapping[str, Any]
    is_readable: bool
    is_writable: bool
    level: str | None


@dataclass(frozen=True, slots=True)
class Relationship:
    """A relation to `type` (``x-type``), to many of them where ``x-many`` says so."""

    name: str
    key: str
    type: str
    is_many: bool
    is_readable: bool
    is_writable: bool
    level: str | None


@dataclass(frozen=True, slots=True)
class Declaration:
    """A type: its attributes and relationships by key."""

    type: str
    attributes: Mapping[str, Attribute]
    relationships: Mapping[str, Relationship]


def declaration(document: Mapping[str, Any], resource_type: str) -> Declaration:
    """Reads ``components.schemas.<type>``. Raises SpecError where it does not say enough."""
    schema = spec.resource_schema(document, resource_type)
    attributes = {
        key_of(name): _attribute(name, part) for name, part in spec.properties(document, schema, "attributes").items()
    }
    relationships = {
        key_of(name): _relationship(resource_type, name, part)
        for name, part in spec.properties(document, schema, "relationships").items()
    }
    if both := attributes.keys() & relationships.keys():
        raise spec.SpecError(f"{resource_type}: {', '.join(sorted(both))} is both an attribute and a relation.")
    return Declaration(resource_type, attributes, relationships)


def key_of(name: str) -> str:
    """``starts-at`` is `starts_at` in Python."""
    return name.replace("-", "_")


def _attribute(name: str, schema: Mapping[str, Any]) -> Attribute:
    return Attribute(
        name,
        key_of(name),
        schema,
        is_readable=not schema.get("writeOnly", False),
        is_writable=not schema.get("readOnly", False),
        level=schema.get("x-visible-to"),
    )


def _relationship(resource_type: str, name: str, schema: Mapping[str, Any]) -> Relationship:
    if "x-type" not in schema:
        raise spec.SpecError(f"{resource_type}: the relation {name} needs x-type.")
    return Relationship(
        name,
        key_of(name),
        schema["x-type"],
        is_many=bool(schema.get("x-many", False)),
        is_readable=not schema.get("writeOnly", False),
        is_writable=not schema.get("readOnly", False),
        level=schema.get("x-visible-to"),
    )
