"""Related rows for a document: one statement per level and relation, never one per row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from chassis.errors import BadRequest
from chassis.jsonapi.grammar import Includes

if TYPE_CHECKING:
    from chassis.jsonapi.plan import Link
    from chassis.jsonapi.resource import Resource
    from chassis.jsonapi.viewer import Held, Viewer

Rows = dict[Any, tuple[Any, "Held"]]  # id → (row, levels that the viewer holds on it)
BATCH = 1000
MAX_INCLUDED = 10_000


@dataclass(slots=True)
class Loaded:
    """What was found: rows per type, and the linkage of each included relation."""

    rows: dict[Resource[Any], Rows] = field(default_factory=dict)
    linkage: dict[Resource[Any], dict[str, dict[Any, Any]]] = field(default_factory=dict)


def check(resource: Resource[Any], includes: Includes, path: str = "") -> None:
    """Raises BadRequest (`include-invalid`) for a relation that this type does not have, or that leads elsewhere."""
    for key, deeper in includes.items():
        link = resource.plan.links.get(key)
        if link is None or not link.is_local or link.target is None or not link.relation.is_readable:
            raise BadRequest(
                f"“{path}{key.replace('_', '-')[:100]}” is not a relation that can be included.",
                code="include-invalid",
                source={"parameter": "include"},
            )
        check(link.target, deeper, f"{path}{link.relation.name}.")


def load(db: Session, viewer: Viewer, resource: Resource[Any], rows: Rows, includes: Includes) -> Loaded:
    """Follows the relations of `includes` from `rows`; what the viewer may not see stays out."""
    loaded = Loaded()
    if includes:
        check(resource, includes)
        _follow(db, viewer, resource, rows, includes, loaded)
    return loaded


def _follow(
    db: Session, viewer: Viewer, resource: Resource[Any], parents: Rows, includes: Includes, loaded: Loaded
) -> None:
    for key, deeper in includes.items():
        link = resource.plan.links[key]
        target = link.target
        if target is None:
            continue
        asking = _with_level(resource, link, parents)
        linkage = loaded.linkage.setdefault(resource, {}).setdefault(key, {})
        linkage.update((identity, [] if link.relation.is_many else None) for identity in asking)
        children: Rows = {}
        for count, (parent_id, row, held) in enumerate(_pairs(db, viewer, resource, link, target, asking)):
            if count == MAX_INCLUDED:
                raise _too_many(link)
            child_id = getattr(row, target.plan.id_key)
            children[child_id] = (row, held)
            entry = {"type": target.type, "id": str(child_id)}
            if not link.relation.is_many:
                linkage[parent_id] = entry
            elif entry not in linkage[parent_id][-1:]:
                linkage[parent_id].append(entry)
        loaded.rows.setdefault(target, {}).update(children)
        if deeper and children:
            _follow(db, viewer, target, children, deeper, loaded)


def _too_many(link: Link) -> BadRequest:
    return BadRequest(
        f"“{link.relation.name}” leads to more than {MAX_INCLUDED} here; please page through it instead.",
        code="include-too-large",
        source={"parameter": "include"},
    )


def _with_level(resource: Resource[Any], link: Link, parents: Rows) -> Rows:
    if link.relation.level is None:
        return parents
    index = resource.plan.levels.index(link.relation.level)
    return {identity: pair for identity, pair in parents.items() if pair[1][index]}


def _pairs(
    db: Session, viewer: Viewer, resource: Resource[Any], link: Link, target: Resource[Any], parents: Rows
) -> Iterator[tuple[Any, Any, Held]]:
    """(id of the parent, row, levels) of each related row, ordered by the row's id."""
    if link.foreign_key is not None:
        yield from _to_one(db, viewer, link.foreign_key, target, parents)
        return
    view = viewer.view(target)
    if link.is_simple:
        owner = link.remote_column
        statement = view.select(owner)
    else:
        parent: Any = aliased(resource.model)
        owner = getattr(parent, resource.plan.id_key)
        statement = view.select(owner).join_from(parent, getattr(parent, link.orm_key))
    statement = statement.where(*viewer.through(link)).order_by(target.plan.id_column)
    for batch in _batches(list(parents)):
        for owner_id, row, *levels in db.execute(statement.where(owner.in_(batch)).limit(MAX_INCLUDED + 1)):
            yield owner_id, row, view.held(tuple(levels))


def _to_one(
    db: Session, viewer: Viewer, foreign_key: str, target: Resource[Any], parents: Rows
) -> Iterator[tuple[Any, Any, Held]]:
    wanted: dict[Any, list[Any]] = {}
    for parent_id, (row, _) in parents.items():
        if (other := getattr(row, foreign_key)) is not None:
            wanted.setdefault(other, []).append(parent_id)
    view = viewer.view(target)
    for batch in _batches(list(wanted)):
        for row, *levels in db.execute(view.select().where(target.plan.id_column.in_(batch))):
            for parent_id in wanted[getattr(row, target.plan.id_key)]:
                yield parent_id, row, view.held(tuple(levels))


def _batches(identities: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(identities), BATCH):
        yield identities[start : start + BATCH]


def related_to(resource: Resource[Any], link: Link, parent_id: Any) -> Any:
    """The criterion of the target's rows that this relation leads to, from one parent."""
    if link.orm is None or link.target is None:
        raise LookupError(link.relation.name)
    if link.is_simple:
        return link.remote_column == parent_id
    parent: Any = aliased(resource.model)
    child: Any = aliased(link.target.model)
    child_id = getattr(child, link.target.plan.id_key)
    found = (
        select(child_id)
        .join_from(parent, getattr(parent, link.orm_key).of_type(child))
        .where(getattr(parent, resource.plan.id_key) == parent_id)
    )
    return link.target.plan.id_column.in_(found)
