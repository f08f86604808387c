"""Plain create, update and delete: read, ask the hooks, write, tell. What is more than plain belongs in commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import flask
from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import RelationshipDirection, Session
from sqlalchemy.orm.attributes import set_committed_value

from chassis import clock
from chassis.db import run
from chassis.errors import BadRequest, Conflict, Forbidden, Unprocessable
from chassis.idempotency import answered
from chassis.jsonapi import documents, reading
from chassis.jsonapi.body import read_document
from chassis.jsonapi.etag import require_match
from chassis.jsonapi.finding import again_when_missing, find
from chassis.jsonapi.includes import related_to
from chassis.jsonapi.viewer import viewer_of
from chassis.responses import respond

if TYPE_CHECKING:
    from chassis.auth import Claims
    from chassis.jsonapi.declared import Attribute, Relationship
    from chassis.jsonapi.grammar import Query
    from chassis.jsonapi.plan import Link
    from chassis.jsonapi.resource import MayHook, Resource
    from chassis.jsonapi.viewer import Held, Viewer


def create(resource: Resource[Any], body: Any, claims: Claims | None) -> flask.Response:
    """A new row: 201 with its Location. Raises what the hooks raise."""
    query = reading.current_query()
    incoming = read_document(body, resource)

    def work(db: Session) -> flask.Response:
        values, related = dict(incoming.values), dict(incoming.related)
        made = None if resource.before_create is None else resource.before_create(db, claims, values, related)
        row = resource.model() if made is None else made
        with refusals(resource), db.no_autoflush:
            if made is None:
                assign(resource, row, values)
            relate(db, viewer_of(claims, query), resource, row, related)
            allow(resource.may_create, db, claims, row)
            db.add(row)
            db.flush()
        return _changed(db, resource, row, claims, query, status=201)

    return run(work)


def update(resource: Resource[Any], value: str, body: Any, claims: Claims | None) -> flask.Response:
    """The changed row: 200. Locks it, then compares If-Match, then asks the hooks, then writes."""
    query = reading.current_query()
    incoming = read_document(body, resource, partial=True)

    def work(db: Session) -> flask.Response:
        viewer = viewer_of(claims, query)
        row, held = find(db, viewer, resource, value, lock=True)
        if not resource.matches_id(row, incoming.id):
            raise BadRequest("The id is not that of the path.", code="id-mismatch", source={"pointer": "/data/id"})
        _require_match(db, viewer, resource, row, held, query)
        allow(resource.may_change, db, claims, row)
        values, related = _seen(resource, held, incoming.values), _seen(resource, held, incoming.related)
        if resource.before_update is not None:
            resource.before_update(db, claims, row, values, related)
        with refusals(resource), db.no_autoflush:
            assign(resource, row, values)
            if viewer.sees_trashed and _is_restored(body):
                row.deleted_at = None
            if relate(db, viewer, resource, row, related):
                allow(resource.may_change, db, claims, row)  # also where it is moved to
            db.flush()
        return _changed(db, resource, row, claims, query, status=200)

    return again_when_missing(resource, value, lambda: run(work))


def delete(resource: Resource[Any], value: str, claims: Claims | None) -> flask.Response:
    """Deletes, softly where rows have a `deleted_at`; `permanent=true` counts for admins only."""
    query = reading.current_query()

    def work(db: Session) -> flask.Response:
        viewer = viewer_of(claims, query)
        row, held = find(db, viewer, resource, value, lock=True)
        _require_match(db, viewer, resource, row, held, query)
        allow(resource.may_delete, db, claims, row)
        is_permanent = query.is_permanent and claims is not None and claims.is_admin
        with refusals(resource):
            if "deleted_at" in resource.plan.columns and not is_permanent:
                row.deleted_at = clock.now()
            else:
                db.delete(row)
            db.flush()
        if resource.after_delete is not None:
            resource.after_delete(db, row)
        sentence = f"The {resource.label} was deleted."
        return answered(db, {"meta": {"message": sentence}, "jsonapi": documents.VERSION})

    return again_when_missing(resource, value, lambda: run(work))


def _changed(
    db: Session, resource: Resource[Any], row: Any, claims: Claims | None, query: Query, *, status: int
) -> flask.Response:
    if resource.after_change is not None:
        resource.after_change(db, row)
    document = resource.document(db, row, claims, query=query)
    return answered(db, document, status, {"Location": resource.location(row)} if status == 201 else None)


def _require_match(db: Session, viewer: Viewer, resource: Resource[Any], row: Any, held: Held, query: Query) -> None:
    require_match(lambda: respond(documents.of_one(db, viewer, resource, row, held, query)).get_data())


def _seen(resource: Resource[Any], held: Held, given: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the caller may not see on this row: whoever cannot read it sends nulls, and must not erase it."""
    plan, declared = resource.plan, resource.declared
    levels = {None, *(name for name, is_held in zip(plan.levels, held, strict=True) if is_held)}
    parts: dict[str, Attribute | Relationship] = {**declared.attributes, **declared.relationships}
    return {key: value for key, value in given.items() if parts[key].level in levels}


def _is_restored(body: Any) -> bool:
    attributes = body["data"].get("attributes") or {}
    return "deleted-at" in attributes and attributes["deleted-at"] is None


def allow(hook: MayHook | None, db: Session, claims: Claims | None, row: Any) -> None:
    """Asks a `may_…` hook: it raises its own refusal, or answers False for a plain 403."""
    if hook is not None and hook(db, claims, row) is False:
        raise Forbidden("You may not do this here.")


def assign(resource: Resource[Any], row: Any, values: Mapping[str, Any]) -> None:
    """Sets the stored values; what only a hook understands is passed over. Hooks may add columns by their own names."""
    plan = resource.plan
    for key, value in values.items():
        field = plan.fields.get(key)
        stored = field.stored if field is not None else key
        if stored is not None and stored in plan.columns:
            setattr(row, stored, value)


def relate(db: Session, viewer: Viewer, resource: Resource[Any], row: Any, related: Mapping[str, Any]) -> bool:
    """Sets to-one and many-to-many relations; whether anything changed.

    Raises Unprocessable (`related-not-found`) for rows that are not there for this caller. Lists of rows that belong
    to the parent (one-to-many) are changed on their own side, and ignored here.
    """
    is_changed = False
    for key, wanted in related.items():
        link = resource.plan.links[key]
        if link.foreign_key is not None:
            if getattr(row, link.foreign_key) == wanted:
                continue
            if wanted is not None and link.target is not None:
                _rows(db, viewer, link, [wanted])
            setattr(row, link.foreign_key, wanted)
            is_changed = True
        elif link.is_local and link.direction is RelationshipDirection.MANYTOMANY and not link.is_view_only:
            rows = _rows(db, viewer, link, wanted if isinstance(wanted, list) else [])
            _replace(db, viewer, resource, link, row, rows)
            is_changed = True
    return is_changed


def _rows(db: Session, viewer: Viewer, link: Link, identities: list[Any]) -> list[Any]:
    if link.target is None or not identities:
        return []
    column = link.target.plan.id_column
    found = db.scalars(select(link.target.model).where(column.in_(identities), *viewer.rows(link.target))).all()
    if len(found) < len(set(identities)):
        raise Unprocessable(
            f"There is no such {link.relation.type.replace('-', ' ')}.",
            code="related-not-found",
            source={"pointer": f"/data/relationships/{link.relation.name}"},
        )
    return list(found)


def _replace(db: Session, viewer: Viewer, resource: Resource[Any], link: Link, row: Any, wanted: list[Any]) -> None:
    """Makes the relation hold `wanted`, and still what the caller may not see and therefore could not name."""
    identity = getattr(row, resource.plan.id_key)
    if identity is not None and link.target is not None:
        target = link.target
        held = select(target.model).where(related_to(resource, link, identity))
        seen = set(db.scalars(held.where(*viewer.rows(target))))
        now = list(db.scalars(held))
        set_committed_value(row, link.orm_key, now)  # models refuse to load it unasked
        wanted = [*wanted, *(item for item in now if item not in seen and item not in wanted)]
    setattr(row, link.orm_key, wanted)


@contextmanager
def refusals(resource: Resource[Any]) -> Iterator[None]:
    """What the database's constraints refuse, as a refusal of ours."""
    try:
        yield
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        column = getattr(diagnosis, "column_name", None)
        source = {"pointer": f"/data/attributes/{column.replace('_', '-')}"} if column else {"pointer": "/data"}
        state = getattr(error.orig, "sqlstate", "")
        if state in ("23505", "23P01"):
            raise Conflict(
                f"There is already such a {resource.label}.", code="already-exists", source=source
            ) from error
        sentence = _SENTENCES.get(state, "This cannot be saved.")
        raise Unprocessable(sentence, code="value-invalid", source=source) from error
    except DataError as error:
        raise Unprocessable(
            "A value does not fit its attribute.", code="value-invalid", source={"pointer": "/data/attributes"}
        ) from error


_SENTENCES = {
    "23502": "A value is missing.",
    "23503": "What this refers to does not exist.",
    "23514": "A value is outside of what is allowed.",
}
