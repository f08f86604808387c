"""One row by what a path calls it: its id, or its identifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis.errors import NotFound
from chassis.jsonapi.values import Misfit, kind_of

if TYPE_CHECKING:
    from chassis.jsonapi.resource import Resource
    from chassis.jsonapi.viewer import Held, Viewer

T = TypeVar("T")


def find(db: Session, viewer: Viewer, resource: Resource[Any], value: str, *, lock: bool = False) -> tuple[Any, Held]:
    """The row and the levels that the viewer holds on it. Raises NotFound, also for what the viewer may not see."""
    criterion = named(resource, value)
    if criterion is None:
        raise not_found(resource)
    view = viewer.view(resource)
    statement = view.select().where(criterion)
    if lock:
        statement = statement.with_for_update(of=resource.model).execution_options(populate_existing=True)
    found = db.execute(statement).first()
    if found is None:
        raise not_found(resource)
    return found[0], view.held(tuple(found[1:]))


def held(db: Session, viewer: Viewer, resource: Resource[Any], row: Any) -> Held:
    """The levels that the viewer holds on a row that is in hand."""
    view = viewer.view(resource)
    if not view.columns:
        return view.held(())
    plan = resource.plan
    found = db.execute(select(*view.columns).where(plan.id_column == getattr(row, plan.id_key))).first()
    return view.held(tuple(found) if found is not None else (False,) * len(view.columns))


def named(resource: Resource[Any], value: str) -> Any:
    """The criterion of the row that a path calls so; None when no row can be called so."""
    plan = resource.plan
    by_identifier = resource.identifier in plan.columns
    if by_identifier and not (value.isascii() and value.isdigit()):
        column: Any = getattr(resource.model, resource.identifier)
        kind = kind_of(column.type, {})
    else:
        column, kind = plan.id_column, plan.id_kind
    try:
        return column == kind.cast(value)
    except Misfit:
        return None


def not_found(resource: Resource[Any]) -> NotFound:
    """The same answer for what is not there and for what the caller may not see."""
    return NotFound(f"There is no such {resource.label}.")


def again_when_missing(resource: Resource[Any], value: str, work: Callable[[], T]) -> T:
    """Does `work`; when it misses the row, asks the `missing` hook outside of the transaction and does it again."""
    try:
        return work()
    except NotFound:
        if resource.missing is None or named(resource, value) is None or not resource.missing(value):
            raise
    return work()
