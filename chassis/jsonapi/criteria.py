"""Filters and sort keys as SQL. Names lead to columns that were prepared; values travel as bound parameters only.

What the caller may not see cannot be asked about either: an attribute with a level matches only on rows where the
caller holds it, a relation only through rows that the caller may see, also below `not`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, case, false, not_, or_, select, true

from chassis.errors import BadRequest
from chassis.jsonapi import filters
from chassis.jsonapi.filters import NULL_OPS, Condition, Every, Node, Not, Related, Some, invalid
from chassis.jsonapi.grammar import SortKey
from chassis.jsonapi.values import Kind, Misfit

if TYPE_CHECKING:
    from chassis.jsonapi.plan import Field, Link
    from chassis.jsonapi.resource import Resource
    from chassis.jsonapi.viewer import Viewer

MAX_PATTERN = 200
MAX_WILDCARDS = 10

Clause = ColumnElement[bool]


def where(viewer: Viewer, resource: Resource[Any], node: Node | None) -> tuple[Clause, ...]:
    """The criteria of a filter. Raises BadRequest (`filter-invalid`)."""
    return () if node is None else (_clause(viewer, resource, node, negated=False),)


def order(viewer: Viewer, resource: Resource[Any], keys: tuple[SortKey, ...]) -> list[Any]:
    """ORDER BY, always ending with the id, so that pages never overlap. Raises BadRequest (`sort-invalid`)."""
    ordering = []
    for key in keys:
        value = _sort_value(viewer, resource, key)
        ordering.append(value.desc() if key.is_descending else value.asc())
    return [*ordering, resource.plan.id_column.asc()]


def _clause(viewer: Viewer, resource: Resource[Any], node: Node, *, negated: bool) -> Clause:
    match node:
        case Every(nodes) | Some(nodes):
            clauses = [_clause(viewer, resource, inner, negated=negated) for inner in nodes]
            joins_all = isinstance(node, Every) is not negated  # De Morgan
            return and_(true(), *clauses) if joins_all else or_(false(), *clauses)
        case Not(inner):
            return _clause(viewer, resource, inner, negated=not negated)
        case Related(name, op, inner):
            return _related(viewer, resource, name, op, inner, negated=negated)
        case Condition():
            return _condition(viewer, resource, node, negated=negated)


def _related(
    viewer: Viewer, resource: Resource[Any], name: str, op: str, inner: Node | None, *, negated: bool
) -> Clause:
    link = resource.plan.links.get(name)
    if link is None or not link.is_local or not link.relation.is_readable:
        raise _unknown(resource, name)
    if link.relation.is_many != (op == "any"):
        raise invalid(f"“{link.relation.name}” is asked with {'any' if link.relation.is_many else 'has'}.")
    return _guarded(viewer, resource, link.relation.level, _exists(viewer, link, inner), negated=negated)


def _exists(viewer: Viewer, link: Link, inner: Node | None) -> Clause:
    target, orm = link.target, link.orm
    if target is None or orm is None:
        raise LookupError(link.relation.name)
    criteria = and_(true(), *viewer.rows(target), *viewer.through(link), *where(viewer, target, inner))
    return orm.any(criteria) if link.relation.is_many else orm.has(criteria)


def _condition(viewer: Viewer, resource: Resource[Any], condition: Condition, *, negated: bool) -> Clause:
    plan = resource.plan
    field = plan.fields.get(condition.name)
    if field is not None and field.attribute.is_readable and field.expression is not None and field.kind is not None:
        level = field.attribute.level
        return _comparison(viewer, resource, condition, field.expression, field.kind, level, negated=negated)
    if condition.name == "id":
        return _comparison(viewer, resource, condition, plan.id_column, plan.id_kind, None, negated=negated)
    return _about_relation(viewer, resource, condition, negated=negated)


def _about_relation(viewer: Viewer, resource: Resource[Any], condition: Condition, *, negated: bool) -> Clause:
    """``event_id eq 5`` by the linkage of a to-one relation, and ``event eq null``."""
    links = resource.plan.links
    link = links.get(condition.name)
    by_id = links.get(condition.name.removesuffix("_id")) if condition.name.endswith("_id") else None
    if by_id is not None and by_id.relation.is_readable and by_id.foreign_key and by_id.foreign_kind:
        column, level = getattr(resource.model, by_id.foreign_key), by_id.relation.level
        return _comparison(viewer, resource, condition, column, by_id.foreign_kind, level, negated=negated)
    if link is None or not link.relation.is_readable or not (link.is_local or link.foreign_key):
        raise _unknown(resource, condition.name)
    if condition.value is not None or condition.field is not None or condition.op not in NULL_OPS:
        raise invalid(f"“{link.relation.name}” is a relation: ask with has or any, or compare it with null.")
    clause = getattr(resource.model, link.foreign_key).is_not(None) if link.foreign_key else _exists(viewer, link, None)
    is_null = condition.op in ("eq", "is_")
    return _guarded(viewer, resource, link.relation.level, _signed(clause, negated=is_null), negated=negated)


def _comparison(
    viewer: Viewer,
    resource: Resource[Any],
    condition: Condition,
    column: Any,
    kind: Kind,
    level: str | None,
    *,
    negated: bool,
) -> Clause:
    if condition.field is None:
        return _guarded(viewer, resource, level, compare(column, kind, condition), negated=negated)
    other = resource.plan.fields.get(condition.field)
    if other is None or not other.attribute.is_readable or other.expression is None or other.kind is None:
        raise _unknown(resource, condition.field)
    if other.kind.name != kind.name or not kind.is_ordered:
        raise invalid(f"“{condition.name}” and “{condition.field}” are not the same kind of value.")
    if condition.op not in _BINARY:
        raise invalid(f"“{condition.op}” does not compare two attributes.")
    clause = _guarded(viewer, resource, level, _BINARY[condition.op](column, other.expression), negated=negated)
    return _guarded(viewer, resource, other.attribute.level, clause, negated=False)


def _guarded(viewer: Viewer, resource: Resource[Any], level: str | None, clause: Clause, *, negated: bool) -> Clause:
    """The clause or its negation, on rows where the level is held."""
    signed = _signed(clause, negated=negated)
    return signed if level is None else and_(_level(viewer, resource, level), signed)


def _level(viewer: Viewer, resource: Resource[Any], name: str) -> Clause:
    level = viewer.level(resource, name)
    return (true() if level else false()) if isinstance(level, bool) else level


def _signed(clause: Clause, *, negated: bool) -> Clause:
    return not_(clause) if negated else clause


def _unknown(resource: Resource[Any], name: str) -> BadRequest:
    return invalid(f"“{resource.type}” has no attribute or relation “{name[:100]}” to filter by.")


_BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column != value,
    "gt": lambda column, value: column > value,
    "ge": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "le": lambda column, value: column <= value,
}
_RANGES = frozenset({"gt", "ge", "lt", "le", "between"})
_PATTERNS: Mapping[str, Callable[[Any, str], Any]] = {
    "like": lambda column, value: column.like(value),
    "ilike": lambda column, value: column.ilike(value),
    "notlike": lambda column, value: column.not_like(value),
    "notilike": lambda column, value: column.not_ilike(value),
    "startswith": lambda column, value: column.startswith(value, autoescape=True),
    "endswith": lambda column, value: column.endswith(value, autoescape=True),
    "contains": lambda column, value: column.contains(value, autoescape=True),
}


def compare(column: Any, kind: Kind, condition: Condition) -> Clause:
    """One comparison with a value. Raises BadRequest with a sentence that names the attribute."""
    op, value = condition.op, condition.value
    if value is None:
        clause: Clause = column.is_(None) if op in ("eq", "is_") else column.is_not(None)
        return clause
    if op in _PATTERNS:
        return _pattern(column, kind, condition)
    if not kind.is_ordered:
        raise invalid(f"“{condition.name}” can only be compared with null.")
    if kind.name == "boolean" and op in _RANGES:
        raise invalid(f"“{condition.name}” is true or false: ask with eq or ne.")
    if op in filters.LIST_OPS:
        values = [_cast(kind, condition.name, item) for item in value]
        return column.in_(values) if op == "in_" else column.not_in(values)  # type: ignore[no-any-return]
    if op == "between":
        low, high = (_cast(kind, condition.name, item) for item in value)
        return column.between(low, high)  # type: ignore[no-any-return]
    if op in ("is_", "isnot"):
        if kind.name != "boolean":
            raise invalid(f"“{op}” compares with null; for other values use eq or ne.")
        truth = kind.cast(value) if isinstance(value, bool) else _cast(kind, condition.name, value)
        return column.is_(truth) if op == "is_" else column.is_not(truth)  # type: ignore[no-any-return]
    return _BINARY[op](column, _cast(kind, condition.name, value))  # type: ignore[no-any-return]


def _pattern(column: Any, kind: Kind, condition: Condition) -> Clause:
    op, value = condition.op, condition.value
    if not kind.is_text:
        raise invalid(f"“{condition.name}” is no text, so “{op}” cannot be asked.")
    if not isinstance(value, str) or "\x00" in value:
        raise invalid(f"“{op}” takes a text.")
    if len(value) > MAX_PATTERN or (op.endswith("like") and value.count("%") + value.count("_") > MAX_WILDCARDS):
        raise invalid(f"A pattern has at most {MAX_PATTERN} characters and {MAX_WILDCARDS} wildcards.")
    if op.endswith("like") and (len(value) - len(value.rstrip("\\"))) % 2:
        raise invalid("A pattern cannot end with a single backslash.")
    return _PATTERNS[op](column, value)  # type: ignore[no-any-return]


def _cast(kind: Kind, name: str, value: Any) -> Any:
    try:
        return kind.cast(value)
    except Misfit as error:
        raise invalid(f"“{name}” {error}.") from None


def _sort_value(viewer: Viewer, resource: Resource[Any], key: SortKey) -> Any:
    if len(key.path) == 1:
        return _sortable(viewer, resource, key.path[0], key)
    link = resource.plan.links.get(key.path[0])
    if link is None or link.orm is None or link.target is None or not link.relation.is_readable:
        raise _unsortable(resource, key)
    if link.is_self_referential:
        raise _unsortable(resource, key)
    if link.relation.is_many:
        raise BadRequest(
            f"“{key.text[:100]}” leads to many; only to-one relations can be sorted by.",
            code="sort-invalid",
            source={"parameter": "sort"},
        )
    value = _sortable(viewer, link.target, key.path[1], key)
    found = (
        select(value)
        .where(link.orm.expression, *viewer.rows(link.target))
        .correlate_except(link.target.model)
        .scalar_subquery()
    )
    return found if link.relation.level is None else case((_level(viewer, resource, link.relation.level), found))


def _sortable(viewer: Viewer, resource: Resource[Any], name: str, key: SortKey) -> Any:
    """The value to sort by; where the caller does not hold the level it counts as empty."""
    if name == "id":
        return resource.plan.id_column
    field: Field | None = resource.plan.fields.get(name)
    if field is None or not field.attribute.is_readable or field.expression is None or field.kind is None:
        raise _unsortable(resource, key)
    if not field.kind.is_ordered:
        raise _unsortable(resource, key)
    if field.attribute.level is None:
        return field.expression
    return case((_level(viewer, resource, field.attribute.level), field.expression))


def _unsortable(resource: Resource[Any], key: SortKey) -> BadRequest:
    return BadRequest(
        f"“{resource.type}” cannot be sorted by “{key.text[:100]}”.", code="sort-invalid", source={"parameter": "sort"}
    )
