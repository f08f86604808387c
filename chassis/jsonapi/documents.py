"""Documents: primary data, what was included (each resource once), links, meta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from chassis.jsonapi import includes
from chassis.jsonapi.grammar import Query
from chassis.jsonapi.serializer import NOTHING_LINKED

if TYPE_CHECKING:
    from chassis.jsonapi.resource import Resource
    from chassis.jsonapi.viewer import Held, Viewer

VERSION = {"version": "1.0"}


def of_one(db: Session, viewer: Viewer, resource: Resource[Any], row: Any, held: Held, query: Query) -> dict[str, Any]:
    """The document of one resource, with its own link as `self`."""
    document = of_many(db, viewer, resource, [(row, held)], query)
    document["data"] = document["data"][0]
    document["links"] = {"self": document["data"]["links"]["self"]}
    return document


def of_many(
    db: Session, viewer: Viewer, resource: Resource[Any], rows: Sequence[tuple[Any, Held]], query: Query
) -> dict[str, Any]:
    """The document of a list, without links and meta."""
    fields = _fields(resource, query)
    if not query.include:
        serialize = resource.serializer.variant
        document: dict[str, Any] = {
            "data": [serialize(held, fields.get(resource))(row, NOTHING_LINKED) for row, held in rows],
            "jsonapi": VERSION,
        }
        return document
    key = resource.plan.id_key
    primary = {getattr(row, key): (row, held) for row, held in rows}
    loaded = includes.load(db, viewer, resource, primary, query.include)

    def objects(of: Resource[Any], found: includes.Rows, *, but: includes.Rows) -> list[dict[str, Any]]:
        linked, wanted, variant = loaded.linkage.get(of, NOTHING_LINKED), fields.get(of), of.serializer.variant
        return [variant(held, wanted)(row, linked) for identity, (row, held) in found.items() if identity not in but]

    return {
        "data": objects(resource, primary, but={}),
        "included": [
            item
            for target, found in loaded.rows.items()
            for item in objects(target, found, but=primary if target is resource else {})
        ],
        "jsonapi": VERSION,
    }


def _fields(resource: Resource[Any], query: Query) -> dict[Resource[Any], frozenset[str]]:
    """Sparse fieldsets by resource. A type that the service does not know is left over from elsewhere, and ignored."""
    fields = {}
    for name, wanted in query.fields.items():
        if (target := resource.sibling(name)) is not None:
            target.check_fields(wanted)
            fields[target] = wanted
    return fields
