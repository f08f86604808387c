"""GET: pages, single resources, related resources and linkage, as answers with an ETag."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from chassis.db import transaction
from chassis.errors import Forbidden
from chassis.jsonapi import criteria, documents, includes
from chassis.jsonapi.declared import key_of
from chassis.jsonapi.etag import etag, is_named
from chassis.jsonapi.finding import again_when_missing, find, not_found
from chassis.jsonapi.grammar import PLAIN, Query, SortKey, parse
from chassis.jsonapi.links import page_links
from chassis.responses import respond
from chassis.spec import SpecError

if TYPE_CHECKING:
    from chassis.jsonapi.plan import Link
    from chassis.jsonapi.resource import MayHook, Resource
    from chassis.jsonapi.viewer import Held, Viewer


def current_query() -> Query:
    """The query of this request; the plain one outside of requests."""
    return parse(flask.request.args.items(multi=True)) if flask.has_request_context() else PLAIN


def page(
    db: Session,
    viewer: Viewer,
    resource: Resource[Any],
    query: Query,
    narrowed: Iterable[Any] = (),
    default_sort: tuple[SortKey, ...] = (),
) -> dict[str, Any]:
    """One page of the visible rows that also fit `narrowed`, with links and ``meta.count``."""
    includes.check(resource, query.include)
    view = viewer.view(resource)
    conditions = (*narrowed, *criteria.where(viewer, resource, query.filter))
    skipped = (query.page_number - 1) * query.page_size
    found = db.execute(
        view.select()
        .where(*conditions)
        .order_by(*criteria.order(viewer, resource, query.sort or default_sort or resource.default_sort))
        .limit(query.page_size)
        .offset(skipped)
    ).all()
    rows: list[tuple[Any, Held]] = [(row, view.held(tuple(levels))) for row, *levels in found]
    if len(rows) < query.page_size and (rows or not skipped):
        count = skipped + len(rows)
    else:
        counted = select(func.count()).select_from(resource.model).where(*view.criteria, *conditions)
        count = db.execute(counted).scalar_one()
    document = documents.of_many(db, viewer, resource, rows, query)
    document["links"] = _links(resource, query, count)
    document["meta"] = {"count": count}
    return document


def _links(resource: Resource[Any], query: Query, count: int) -> dict[str, str | None]:
    if not flask.has_request_context():
        return page_links(resource.path, (), query.page_number, query.page_size, count)
    parameters = flask.request.args.items(multi=True)
    return page_links(flask.request.path, list(parameters), query.page_number, query.page_size, count)


def related_one(db: Session, viewer: Viewer, resource: Resource[Any], link: Link, row: Any) -> tuple[Any, Held] | None:
    """The row that a to-one relation leads to, if there is one that the viewer may see."""
    target = target_of(link)
    if link.foreign_key is not None:
        criterion = target.plan.id_column == getattr(row, link.foreign_key)
    else:
        criterion = includes.related_to(resource, link, getattr(row, resource.plan.id_key))
    view = viewer.view(target)
    found = db.execute(view.select().where(criterion).order_by(target.plan.id_column).limit(1)).first()
    return None if found is None else (found[0], view.held(tuple(found[1:])))


def linkage(db: Session, viewer: Viewer, resource: Resource[Any], link: Link, row: Any) -> dict[str, Any]:
    """The answer of ``/relationships/<relation>``: identifiers of what the viewer may see."""
    target = target_of(link)
    data: Any
    if link.relation.is_many:
        criterion = includes.related_to(resource, link, getattr(row, resource.plan.id_key))
        seen = (criterion, *viewer.rows(target), *viewer.through(link))
        statement = select(target.plan.id_column).where(*seen).order_by(target.plan.id_column)
        data = [{"type": target.type, "id": str(identity)} for identity in db.scalars(statement)]
    else:
        found = related_one(db, viewer, resource, link, row)
        data = None if found is None else {"type": target.type, "id": str(getattr(found[0], target.plan.id_key))}
    return {"data": data, "links": relation_links(resource, row, link), "jsonapi": documents.VERSION}


def tagged(document: dict[str, Any]) -> flask.Response:
    """The answer to a GET: 304 without a body when the caller has it already."""
    answer = respond(document)
    tag = etag(answer.get_data())
    answer.headers["ETag"] = tag
    wanted = flask.request.headers.get("If-None-Match") if flask.has_request_context() else None
    if wanted is not None and is_named(wanted, tag):
        return flask.Response(status=304, headers={"ETag": tag})
    return answer


def answer(
    resource: Resource[Any], read: Callable[[Session, Query], dict[str, Any]], value: str | None = None
) -> flask.Response:
    """What `read` finds in a transaction, tagged; a path that names what is not here yet is tried again once."""
    query = current_query()

    def work() -> dict[str, Any]:
        with transaction() as db:
            return read(db, query)

    return tagged(work() if value is None else again_when_missing(resource, value, work))


def parent(
    db: Session, viewer: Viewer, resource: Resource[Any], relation: str, value: str, may: MayHook | None
) -> tuple[Link, Any]:
    """The relation and the row it starts from. Raises NotFound, also where the level for the relation is not held."""
    plan, link = resource.plan, served(resource, relation)
    row, levels = find(db, viewer, resource, value)
    if link.relation.level is not None and not levels[plan.levels.index(link.relation.level)]:
        raise Forbidden("You may not see this.")
    if may is not None and may(db, viewer.claims, row) is False:
        raise Forbidden("You may not see this.")
    return link, row


def related(db: Session, viewer: Viewer, resource: Resource[Any], link: Link, row: Any, query: Query) -> dict[str, Any]:
    """The document of what a relation leads to. Raises NotFound for a to-one relation that leads nowhere."""
    target = target_of(link)
    if link.relation.is_many:
        criterion = includes.related_to(resource, link, getattr(row, resource.plan.id_key))
        return page(db, viewer, target, query, (criterion, *viewer.through(link)))
    found = related_one(db, viewer, resource, link, row)
    if found is None:
        raise not_found(target)
    return documents.of_one(db, viewer, target, *found, query)


def served(resource: Resource[Any], relation: str) -> Link:
    """The relation that an operation answers. Raises SpecError where this service cannot follow it."""
    link = resource.plan.links.get(key_of(relation))
    if link is None or not link.is_local:
        raise SpecError(f"{resource.type}: the relation {relation} is served, but not declared with a model here.")
    return link


def target_of(link: Link) -> Resource[Any]:
    """The resource at the other end. Raises LookupError when another service holds it."""
    if link.target is None or not link.is_local:
        raise LookupError(f"{link.relation.name} leads to another service.")
    return link.target


def relation_links(resource: Resource[Any], row: Any, link: Link) -> dict[str, str]:
    """Links of one relation of one row."""
    base, identity = resource.location(row), str(getattr(row, resource.plan.id_key))
    other = link.related_link(row, identity) if link.related_link else f"{base}/{link.relation.name}"
    return {"self": f"{base}/relationships/{link.relation.name}", "related": other}
