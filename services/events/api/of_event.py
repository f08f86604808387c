"""Resources that belong to an event: what most types of this service have in common."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from chassis import spec
from chassis.auth import Claims
from chassis.jsonapi import Resource
from services.events import queries

SPEC = spec.load(Path(__file__).parent.parent / "openapi.yaml")

Values = dict[str, Any]


def of_event(resource_type: str, model: Any, *, check: str = "coorganizer", **rest: Any) -> Resource[Any]:
    """A type that everyone may read who sees its event, and that those who pass the check write.

    It stays with its event. `same_event`: relations that lead to things of the same event. `checked(db, claims, row)`:
    a rule that holds for every row of it, asked before it is saved.
    """
    same_event: dict[str, Any] = rest.pop("same_event", {})
    checked: Callable[[Session, Claims, Any], None] | None = rest.pop("checked", None)
    prepare: Callable[..., None] | None = rest.pop("prepare", None)

    def before_create(db: Session, claims: Claims, values: Values, related: Values) -> None:
        queries.event_for(db, claims, related.get("event"), check)
        queries.check_same_event(db, related["event"], related, same_event)
        if prepare is not None:
            prepare(db, claims, None, values, related)

    def before_update(db: Session, claims: Claims, row: Any, values: Values, related: Values) -> None:
        related.pop("event", None)
        queries.check_same_event(db, row.event_id, related, same_event)
        if prepare is not None:
            prepare(db, claims, row, values, related)

    def may(db: Session, claims: Claims, row: Any) -> None:
        queries.require(db, claims, row.event_id, check)
        if checked is not None:
            checked(db, claims, row)

    def may_delete(db: Session, claims: Claims, row: Any) -> None:
        queries.require(db, claims, row.event_id, check)

    hooks: dict[str, Any] = {
        "visible": queries.of_visible_events(model),
        "before_create": before_create,
        "before_update": before_update,
        "may_create": may,
        "may_change": may,
        "may_delete": may_delete,
    }
    return Resource(resource_type, model, spec=SPEC, **{**hooks, **rest})


def requires(check: str) -> Callable[[Session, Claims, Any], None]:
    """A hook that lets pass who passes a check in the event of a row (or in the event itself)."""

    def may(db: Session, claims: Claims, row: Any) -> None:
        queries.require(db, claims, getattr(row, "event_id", None) or row.id, check)

    return may
