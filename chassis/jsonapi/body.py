"""Bodies of POST and PATCH, read by what the type declares. Shapes and types were validated with the spec before.

Read-only and undeclared parts are ignored, because clients send everything they know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chassis.errors import BadRequest, Conflict, Forbidden, Unprocessable
from chassis.jsonapi.values import OPAQUE, Misfit

if TYPE_CHECKING:
    from chassis.jsonapi.plan import Link
    from chassis.jsonapi.resource import Resource


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a body says, by underscored names: `values` as columns take them, `related` as ids (None, one, a list)."""

    id: str | None
    values: dict[str, Any]
    related: dict[str, Any]


def read_document(body: Any, resource: Resource[Any], *, partial: bool = False) -> Incoming:
    """Reads a document of this type; `partial` for PATCH.

    Raises Conflict (`type-mismatch`) for another type, BadRequest for a PATCH without an id, Forbidden (`client-id`)
    for a POST with one, and Unprocessable for values that the columns cannot take.
    """
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, Mapping):
        raise BadRequest('The body is an object with "data".', code="data-missing", source={"pointer": "/data"})
    check_type(data.get("type"), resource.type, "/data/type")
    identity = data.get("id")
    if partial and (identity is None or identity == ""):
        raise BadRequest("A change names the id of what it changes.", code="id-missing", source={"pointer": "/data/id"})
    if not partial and identity is not None:
        raise Forbidden("Ids are given by the server; leave it out.", code="client-id", source={"pointer": "/data/id"})
    return Incoming(
        None if identity is None else str(identity),
        _values(_object(data, "attributes"), resource),
        _related(_object(data, "relationships"), resource),
    )


def check_type(found: Any, expected: str, pointer: str) -> None:
    """Raises Conflict (`type-mismatch`) when it is another type."""
    if found != expected:
        raise Conflict(f"The type has to be “{expected}”.", code="type-mismatch", source={"pointer": pointer})


def _object(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = data.get(name)
    if part is None:
        return {}
    if not isinstance(part, Mapping):
        raise _refused(f"“{name}” has to be an object.", f"/data/{name}")
    return part


def _values(attributes: Mapping[str, Any], resource: Resource[Any]) -> dict[str, Any]:
    values = {}
    for key, field in resource.plan.fields.items():
        name = field.attribute.name
        if name not in attributes or not field.attribute.is_writable or key == "deleted_at":
            continue
        value = attributes[name]
        if value is not None:
            cast = field.kind.cast if field.kind is not None and field.stored is not None else OPAQUE.cast
            value = _cast(cast, value, name, f"/data/attributes/{name}")
        values[key] = value
    return values


def _related(relationships: Mapping[str, Any], resource: Resource[Any]) -> dict[str, Any]:
    related = {}
    for key, link in resource.plan.links.items():
        relation = link.relation
        if not relation.is_writable or not isinstance(part := relationships.get(relation.name), Mapping):
            continue
        if "data" not in part:
            continue
        pointer = f"/data/relationships/{relation.name}/data"
        data = part["data"]
        if not relation.is_many:
            related[key] = None if data is None else _identity(data, link, pointer)
        elif isinstance(data, list):
            related[key] = [_identity(item, link, f"{pointer}/{index}") for index, item in enumerate(data)]
        else:
            raise _refused("A relation to many takes a list.", pointer)
    return related


def _identity(data: Any, link: Link, pointer: str) -> Any:
    if not isinstance(data, Mapping) or not isinstance(data.get("id"), str | int) or data["id"] == "":
        raise _refused(f'This is an object such as {{"type": "{link.relation.type}", "id": "1"}}.', pointer)
    check_type(data.get("type"), link.relation.type, f"{pointer}/type")
    kind = link.target.plan.id_kind if link.target is not None else link.foreign_kind
    if kind is None:
        return str(data["id"])
    return _cast(kind.cast, data["id"], "id", f"{pointer}/id")


def _cast(cast: Callable[[Any], Any], value: Any, name: str, pointer: str) -> Any:
    try:
        return cast(value)
    except Misfit as error:
        raise _refused(f"“{name}” {error}.", pointer) from None


def _refused(sentence: str, pointer: str) -> Unprocessable:
    return Unprocessable(sentence, code="value-invalid", source={"pointer": pointer})
