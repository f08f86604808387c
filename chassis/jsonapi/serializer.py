"""Rows as resource objects. Compiled once per type, set of levels and sparse fieldset; then only dict look-ups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import types as sql

from chassis.jsonapi.links import LinkOf, link_of
from chassis.jsonapi.values import plain, utc_text

if TYPE_CHECKING:
    from chassis.jsonapi.plan import Field, Plan
    from chassis.jsonapi.viewer import Held

Linked = Mapping[str, Mapping[Any, Any]]  # relation key → id of the row → linkage (`data`)
NOTHING_LINKED: Linked = {}

_AS_IT_IS = (sql.String, sql.Boolean, sql.Integer, sql.Float)


class Serializer:
    """The resource objects of one type."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.self_link = link_of(plan.resource.self_link)
        self.variant = lru_cache(maxsize=64)(self._variant)  # sparse fieldsets are the caller's choice: bounded

    def _variant(self, held: Held, fields: frozenset[str] | None) -> Callable[[Any, Linked], dict[str, Any]]:
        plan = self._plan
        levels = {None, *(name for name, is_held in zip(plan.levels, held, strict=True) if is_held)}
        shown = [
            field
            for key, field in plan.fields.items()
            if field.attribute.is_readable and field.attribute.level in levels and (fields is None or key in fields)
        ]
        links = [
            link
            for key, link in plan.links.items()
            if link.relation.is_readable and link.relation.level in levels and (fields is None or key in fields)
        ]
        relations = [
            (
                link.relation.name,
                link.relation.key,
                f"/relationships/{link.relation.name}",
                f"/{link.relation.name}",
                link.related_link,
                link.foreign_key,
                link.relation.type,
            )
            for link in links
        ]
        return _compiled(plan.resource.type, plan.id_key, self.self_link, _attributes(shown), relations)


def _compiled(
    resource_type: str,
    id_key: str,
    self_link: LinkOf,
    attributes: Callable[[Any], dict[str, Any]],
    relations: Iterable[tuple[str, str, str, str, LinkOf | None, str | None, str]],
) -> Callable[[Any, Linked], dict[str, Any]]:
    prepared = tuple(relations)

    def resource_object(row: Any, linked: Linked) -> dict[str, Any]:
        key = getattr(row, id_key)
        identity = str(key)
        base = self_link(row, identity)
        relationships: dict[str, Any] = {}
        for name, relation_key, self_tail, related_tail, related_link, foreign_key, target_type in prepared:
            links = {
                "self": base + self_tail,
                "related": base + related_tail if related_link is None else related_link(row, identity),
            }
            if linked and key in (known := linked.get(relation_key, NOTHING_LINKED)):
                relationships[name] = {"links": links, "data": known[key]}
            elif foreign_key is not None:
                other = getattr(row, foreign_key)
                relationships[name] = {
                    "links": links,
                    "data": None if other is None else {"type": target_type, "id": str(other)},
                }
            else:
                relationships[name] = {"links": links}
        document: dict[str, Any] = {"type": resource_type, "id": identity, "attributes": attributes(row)}
        if relationships:
            document["relationships"] = relationships
        document["links"] = {"self": base}
        return document

    return resource_object


def _attributes(fields: Iterable[Field]) -> Callable[[Any], dict[str, Any]]:
    """A function of the row. Loaded columns are read from the instance's dict, which is what makes it fast."""
    stored = [field for field in fields if field.get is None and field.stored is not None]
    computed = [(field.attribute.name, field.get) for field in fields if field.get is not None]
    names = [field.attribute.name for field in stored]
    keys = [str(field.stored) for field in stored]
    converted = [(field.attribute.name, convert) for field in stored if (convert := _conversion(field)) is not None]
    loaded: Callable[[Any], Any] = itemgetter(*keys) if len(keys) > 1 else lambda found: tuple(found[k] for k in keys)

    def attributes(row: Any) -> dict[str, Any]:
        try:
            values = loaded(row.__dict__)
        except (KeyError, AttributeError):  # expired after a commit, deferred, or no mapped instance
            values = [getattr(row, key) for key in keys]
        result = dict(zip(names, values, strict=True))
        for name, convert in converted:
            if (value := result[name]) is not None:
                result[name] = convert(value)
        for name, get in computed:
            result[name] = plain(get(row))
        return result

    return attributes


def _conversion(field: Field) -> Callable[[Any], Any] | None:
    """None where the column's value is JSON already."""
    column_type = field.expression.type
    if field.attribute.schema.get("type") == "string" and not isinstance(column_type, sql.String):
        return _as_text
    if isinstance(column_type, sql.DateTime):
        return utc_text
    if isinstance(column_type, _AS_IT_IS) and not isinstance(column_type, sql.Enum):
        return None
    return plain


def _as_text(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return utc_text(value)
    return value if isinstance(value, str) else str(plain(value))
