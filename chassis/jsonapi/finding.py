"""One row by what a path calls it: its id, or its identifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.orm import Session

from chassis.errors import NotFound
from chassis.jsonapi.values import Misfit, kind_of

if TYPE_CHECKING:
    from chassis.jsonapi.resource import Resource
    from chassis.jsonapi.viewer import Held, Viewer

T = TypeVar("T")


def find(db: Session, viewer: Viewer, resource: Resource[Any], value: str, *, lock: bool = False) -> tuple[Any, Held]:
    """The row and the levels that the viewer holds on it. Raises NotFound, also for what the viewer may not see."""
    if (name := _name(resource, value)) is None:
        raise not_found(resource)
    column, sought = name
    view = viewer.view(resource)
    found = db.execute(view.finding(column, lock=lock), {"sought": sought}).first()
    if found is None:
        raise not_found(resource)
    return found[0], view.held(tuple(found[1:]))


def is_name(resource: Resource[Any], value: str) -> bool:
    """Whether a row could be called so at all."""
    return _name(resource, value) is not None


def _name(resource: Resource[Any], value: str) -> tuple[Any, Any] | None:
    """The column and its value that a path means; None when no row can be called so."""
    plan = resource.plan
    by_identifier = resource.identifier in plan.columns
    if by_identifier and not (value.isascii() and value.isdigit()):
        column: Any = getattr(resource.model, resource.identifier)
        kind = kind_of(column.type, {})
    else:
        column, kind = plan.id_column, plan.id_kind
    try:
        return column, kind.cast(value)
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
        if resource.missing is None or not is_name(resource, value) or not resource.missing(value):
            raise
    return work()
