"""Rows as resource objects. Compiled once per type, set of levels and sparse fieldset; then only dict look-ups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import types as sql

from chassis.jsonapi.links import LinkOf, link_of
from chassis.jsonapi.values import plain, utc_text

if TYPE_CHECKING:
    from chassis.jsonapi.declared import Attribute, Relationship
    from chassis.jsonapi.plan import Field, Link, Plan
    from chassis.jsonapi.viewer import Held

Linked = Mapping[str, Mapping[Any, Any]]  # relation key → id of the row → linkage (`data`)
Serialize = Callable[[Any, Linked], dict[str, Any]]
NOTHING_LINKED: Linked = {}

_AS_IT_IS = (sql.String, sql.Boolean, sql.Integer, sql.Float, sql.JSON)


class Serializer:
    """The resource objects of one type."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.self_link = link_of(plan.resource.self_link)
        self.variant = lru_cache(maxsize=64)(self._variant)  # sparse fieldsets are the caller's choice: bounded

    def _variant(self, held: Held, fields: frozenset[str] | None) -> Serialize:
        """For a viewer who holds these levels and wants these fields (None: all)."""
        plan = self._plan
        levels = {None, *(name for name, is_held in zip(plan.levels, held, strict=True) if is_held)}

        def is_shown(key: str, part: Attribute | Relationship) -> bool:
            return part.is_readable and part.level in levels and (fields is None or key in fields)

        shown = [field for key, field in plan.fields.items() if is_shown(key, field.attribute)]
        links = [link for key, link in plan.links.items() if is_shown(key, link.relation)]
        read = _reader([plan.id_key, *_stored(shown), *(link.foreign_key for link in links if link.foreign_key)])
        return _compiled(plan, self.self_link, read, _attributes(shown), _relationships(links))


Columns = Mapping[str, Any]


def _compiled(
    plan: Plan,
    self_link: LinkOf,
    read: Callable[[Any], Columns],
    attributes: Callable[[Any, Columns], dict[str, Any]],
    relationships: Callable[[Any, Columns, str, str], dict[str, Any]] | None,
) -> Serialize:
    resource_type, id_key, links = plan.resource.type, plan.id_key, plan.links

    def resource_object(row: Any, linked: Linked) -> dict[str, Any]:
        columns = read(row)
        key = columns[id_key]
        identity = str(key)
        base = self_link(row, identity)
        document: dict[str, Any] = {"type": resource_type, "id": identity, "attributes": attributes(row, columns)}
        if relationships is not None:
            document["relationships"] = related = relationships(row, columns, identity, base)
            for relation_key, known in linked.items():
                if key in known and (name := links[relation_key].relation.name) in related:
                    related[name]["data"] = known[key]
        document["links"] = {"self": base}
        return document

    return resource_object


def _reader(keys: list[str]) -> Callable[[Any], Columns]:
    """Column values by key. A loaded instance has them in its dict, which is much faster than asking its attributes."""
    wanted = frozenset(keys)

    def read(row: Any) -> Columns:
        columns: Columns = getattr(row, "__dict__", {})
        if wanted <= columns.keys():
            return columns
        return {key: getattr(row, key) for key in wanted}  # expired after a commit, deferred, or no instance at all

    return read


def _stored(fields: list[Field]) -> list[str]:
    return [field.stored for field in fields if field.get is None and field.stored is not None]


def _attributes(fields: list[Field]) -> Callable[[Any, Columns], dict[str, Any]]:
    stored = [field for field in fields if field.get is None and field.stored is not None]
    computed = [(field.attribute.name, field.get) for field in fields if field.get is not None]
    copied = [(field.attribute.name, str(field.stored)) for field in stored]
    converted = [(field.attribute.name, convert) for field in stored if (convert := _conversion(field)) is not None]

    def attributes(row: Any, columns: Columns) -> dict[str, Any]:
        result = {name: columns[key] for name, key in copied}
        for name, convert in converted:
            if (value := result[name]) is not None:
                result[name] = convert(value)
        for name, get in computed:
            result[name] = plain(get(row))
        return result

    return attributes


def _relationships(links: list[Link]) -> Callable[[Any, Columns, str, str], dict[str, Any]] | None:
    """A function of (row, columns, id, own link): links of every relation, and linkage where the row knows it."""
    if not links:
        return None
    tails = [(link.relation.name, f"/{link.relation.name}") for link in links]
    linkages = [(link.relation.name, f"/relationships/{link.relation.name}") for link in links if link.has_linkage]
    elsewhere = [(link.relation.name, link.related_link) for link in links if link.related_link is not None]
    foreign = [(link.relation.name, link.relation.type, link.foreign_key) for link in links if link.foreign_key]

    def relationships(row: Any, columns: Columns, identity: str, base: str) -> dict[str, Any]:
        related: dict[str, Any] = {name: {"links": {"related": base + related_tail}} for name, related_tail in tails}
        for name, self_tail in linkages:
            related[name]["links"]["self"] = base + self_tail
        for name, related_link in elsewhere:
            related[name]["links"]["related"] = related_link(row, identity)
        for name, target_type, foreign_key in foreign:
            other = columns[foreign_key]
            related[name]["data"] = None if other is None else {"type": target_type, "id": str(other)}
        return related

    return relationships


def _conversion(field: Field) -> Callable[[Any], Any] | None:
    """What makes JSON of a column's value; None where it is JSON already."""
    column_type = field.expression.type
    if isinstance(column_type, sql.TypeDecorator):
        return plain
    if isinstance(column_type, sql.DateTime):
        return utc_text
    if isinstance(column_type, sql.Uuid):
        return str
    if isinstance(column_type, sql.Enum):
        return None if column_type.enum_class is None else plain
    if field.attribute.schema.get("type") == "string" and not isinstance(column_type, sql.String):
        return _as_text
    if isinstance(column_type, _AS_IT_IS):
        return None
    return float if isinstance(column_type, sql.Numeric) else plain


def _as_text(value: Any) -> str:
    return str(plain(value))
