"""A JSON:API type of a service, declared; its ordinary operations come with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

import flask
from sqlalchemy import ColumnElement, MetaData
from sqlalchemy.orm import Session

from chassis.errors import BadRequest
from chassis.jsonapi import documents, reading, writing
from chassis.jsonapi.body import Incoming, read_document
from chassis.jsonapi.declared import declaration
from chassis.jsonapi.etag import require_match
from chassis.jsonapi.finding import find
from chassis.jsonapi.grammar import PLAIN, Query, SortKey, parse_sort
from chassis.jsonapi.links import linkages, plural
from chassis.jsonapi.operation import Operation, operation, path_value
from chassis.jsonapi.plan import Plan
from chassis.jsonapi.serializer import Serializer
from chassis.jsonapi.viewer import criteria_of, viewer_of
from chassis.responses import respond
from chassis.spec import SpecError

if TYPE_CHECKING:
    from chassis.auth import Claims

M = TypeVar("M")

Criterion = ColumnElement[bool]
VisibleHook = Callable[["Claims | None"], "Criterion | bool"]
LevelHook = Callable[["Claims"], "Criterion | bool"]
MayHook = Callable[[Session, Any, Any], "bool | None"]
ChangeHook = Callable[[Session, Any], None]
MissingHook = Callable[[str], bool]


class BeforeCreate(Protocol):
    """May change `values` (by underscored names) and `related` (ids), or return a row of its own to be added."""

    def __call__(self, db: Session, claims: Any, values: dict[str, Any], related: dict[str, Any], /) -> Any | None: ...


class BeforeUpdate(Protocol):
    """May change `values` and `related` before they are put on the row."""

    def __call__(
        self, db: Session, claims: Any, row: Any, values: dict[str, Any], related: dict[str, Any], /
    ) -> None: ...


_registered: WeakKeyDictionary[MetaData, dict[str, Resource[Any]]] = WeakKeyDictionary()


class Resource(Generic[M]):
    """One type: what it consists of stands in the spec, what it is stored in on the model, who may what in the hooks.

    - `visible(claims)`: the rows that a caller (None: anonymous) may see, as an SQL criterion, True or False. It holds
      for lists, single resources, includes, linkage, filters and sorting alike. Nothing given: everyone sees all rows.
    - `listed(claims)`: of those, the rows that are found without being named: in the plain list, and through relations to
      many (related lists, includes, linkage, filters). Hand-written pages and `listing` narrow for themselves.
    - `levels[name](claims)`: the rows on which a caller holds a level of ``x-visible-to``. `user`, `admin` and
      `super-admin` are known; admins hold every other level, the anonymous none.
    - `columns`: attribute → another name on the model, or an SQL expression to filter and sort by.
    - `computed`: attribute → function of the row.
    - `relations`: relation → ORM relationship, where the model has it under another name.
    - `path`, `self_link`, `links`: templates such as ``/v1/orders/{identifier}/tickets`` where they are not the usual.
    - `keeps_views`: what `visible` and `levels` answer depends on nothing but the claims (no clock, no request), so it
      is kept per caller.
    - `missing(value)`: asked, outside of any transaction, when a path names what is not here; True means look again.
    - hooks of the plain writes: `before_create`, `before_update`, `may_create`, `may_change`, `may_delete` (falls back
      to `may_change`), `after_change` (publishes), `after_delete` (falls back to `after_change`). A `may_…` hook
      raises, or returns False for 403.
    """

    def __init__(
        self,
        resource_type: str,
        model: type[M],
        *,
        spec: Mapping[str, Any],
        visible: VisibleHook | None = None,
        listed: VisibleHook | None = None,
        levels: Mapping[str, LevelHook] | None = None,
        columns: Mapping[str, Any] | None = None,
        computed: Mapping[str, Callable[[Any], Any]] | None = None,
        relations: Mapping[str, Any] | None = None,
        path: str | None = None,
        self_link: str | None = None,
        links: Mapping[str, str] | None = None,
        sort: str = "",
        identifier: str = "identifier",
        missing: MissingHook | None = None,
        keeps_views: bool = False,
        before_create: BeforeCreate | None = None,
        before_update: BeforeUpdate | None = None,
        may_create: MayHook | None = None,
        may_change: MayHook | None = None,
        may_delete: MayHook | None = None,
        after_change: ChangeHook | None = None,
        after_delete: ChangeHook | None = None,
    ) -> None:
        self.type = resource_type
        self.model = model
        self.declared = declaration(spec, resource_type)
        self.visible = visible
        self.listed = listed
        self.levels = levels or {}
        self.columns = columns or {}
        self.computed = computed or {}
        self.relations = relations or {}
        self.path = path or f"/v1/{plural(resource_type)}"
        self.self_link = self_link or f"{self.path}/{{id}}"
        self.links = links or {}
        self.linkages = linkages(spec, self.self_link)
        self.default_sort = parse_sort(sort)
        self.identifier = identifier
        self.missing = missing
        self.keeps_views = keeps_views
        self.before_create = before_create
        self.before_update = before_update
        self.may_create = may_create
        self.may_change = may_change
        self.may_delete = may_delete or may_change
        self.after_change = after_change
        self.after_delete = after_delete or after_change
        self.served: set[str] = set()
        self._register()

    # What is prepared once

    @cached_property
    def plan(self) -> Plan:
        """Names, columns and relations, worked out once."""
        return Plan(self)

    @cached_property
    def serializer(self) -> Serializer:
        """Rows as resource objects."""
        return Serializer(self.plan)

    def sibling(self, resource_type: str) -> Resource[Any] | None:
        """The resource of another type in the same service."""
        return _registered[_metadata(self.model)].get(resource_type)

    def _register(self) -> None:
        siblings = _registered.setdefault(_metadata(self.model), {})
        if self.type in siblings:
            raise SpecError(f"There are two resources of the type {self.type}.")
        siblings[self.type] = self

    @property
    def label(self) -> str:
        """The type as sentences say it."""
        return self.type.replace("-", " ")

    # Reading

    @operation("token_info")
    def fetch_page(self, token_info: Claims | None = None, **_path: Any) -> flask.Response:
        """GET of the list."""
        return self._list(self.listed, token_info)

    @operation("token_info")
    def fetch(self, token_info: Claims | None = None, **path: Any) -> flask.Response:
        """GET of one: by its id, or by its identifier where it has one."""
        value = path_value(path)

        def read(db: Session, query: Query) -> dict[str, Any]:
            viewer = viewer_of(token_info, query)
            return documents.of_one(db, viewer, self, *find(db, viewer, self, value), query)

        return reading.answer(self, read, value)

    def listing(self, where: VisibleHook, *, sort: str = "") -> Operation:
        """An operation that lists the visible rows that also fit `where(claims)`, such as upcoming events."""
        keys = parse_sort(sort)
        return Operation(f"list_{self.type}", lambda _value, claims: self._list(where, claims, keys))

    def fetch_related(self, relation: str, *, may: MayHook | None = None) -> Operation:
        """An operation for ``/…/{id}/<relation>``: a page of them, or the one (404 when there is none).

        `may(db, claims, row)` decides whether this caller may ask it of this row.
        """
        self.served.add(relation)

        def fetch(value: str, claims: Claims | None) -> flask.Response:
            def read(db: Session, query: Query) -> dict[str, Any]:
                viewer = viewer_of(claims, query)
                link, parent = reading.parent(db, viewer, self, relation, value, may)
                return reading.related(db, viewer, self, link, parent, query)

            return reading.answer(self, read, value)

        return Operation(f"fetch_{relation}_of_{self.type}", fetch)

    def fetch_linkage(self, relation: str, *, may: MayHook | None = None) -> Operation:
        """An operation for ``/…/{id}/relationships/<relation>``."""
        self.served.add(relation)

        def fetch(value: str, claims: Claims | None) -> flask.Response:
            def read(db: Session, query: Query) -> dict[str, Any]:
                viewer = viewer_of(claims, query)
                link, parent = reading.parent(db, viewer, self, relation, value, may)
                return reading.linkage(db, viewer, self, link, parent)

            return reading.answer(self, read, value)

        return Operation(f"fetch_{relation}_linkage_of_{self.type}", fetch)

    def document(
        self,
        db: Session,
        row: M,
        claims: Claims | None,
        *,
        query: Query | None = None,
        levels: Collection[str] | None = None,
    ) -> dict[str, Any]:
        """The document of one row, as this caller sees it, with what the current request wants included.

        Whether the caller may see the row at all has been decided by whoever calls this. `levels`: those that the caller
        is known to hold on this row; without it the database is asked.
        """
        query = reading.current_query() if query is None else query
        db.flush()
        viewer = viewer_of(claims, query)
        view = viewer.view(self)
        known = view.levels_of(db, getattr(row, self.plan.id_key)) if levels is None else view.holding(levels)
        return documents.of_one(db, viewer, self, row, known, query)

    def page(self, db: Session, claims: Claims | None, *where: Criterion, query: Query | None = None) -> dict[str, Any]:
        """The document of a page of visible rows that also fit `where`, for hand-written lists."""
        query = reading.current_query() if query is None else query
        return reading.page(db, viewer_of(claims, query), self, query, where)

    def find(self, db: Session, value: str | int, claims: Claims | None, *, lock: bool = False) -> M:
        """The row with this id or identifier, locked on wish. Raises NotFound when it is not there for this caller."""
        row: M = find(db, viewer_of(claims), self, str(value), lock=lock)[0]
        return row

    def require_unchanged(self, db: Session, row: M, claims: Claims | None) -> None:
        """Raises PreconditionFailed (412) when the request's If-Match names another version of this row."""
        require_match(lambda: respond(self.document(db, row, claims, query=PLAIN)).get_data())

    def read(self, body: Any, *, partial: bool = False) -> Incoming:
        """`read_document` for this type."""
        return read_document(body, self, partial=partial)

    # Plain writing

    @operation("body", "token_info")
    def create(self, body: Any = None, token_info: Claims | None = None, **_path: Any) -> flask.Response:
        """POST: 201 with the resource and its Location."""
        return writing.create(self, body, token_info)

    @operation("body", "token_info")
    def update(self, body: Any = None, token_info: Claims | None = None, **path: Any) -> flask.Response:
        """PATCH: 200 with the resource. Attributes that the caller may not see on this row cannot be set either."""
        return writing.update(self, path_value(path), body, token_info)

    @operation("token_info")
    def delete(self, token_info: Claims | None = None, **path: Any) -> flask.Response:
        """DELETE: 200. Rows with a `deleted_at` are kept and hidden, unless an admin says ``permanent=true``."""
        return writing.delete(self, path_value(path), token_info)

    # What documents need to know

    def matches_id(self, row: M, identity: str | None) -> bool:
        """Whether a body's id means this row: its id or its identifier."""
        names = (self.plan.id_key, self.identifier)
        return identity in [str(getattr(row, name)) for name in names if name in self.plan.columns]

    def location(self, row: M) -> str:
        """The path of this row."""
        return self.serializer.self_link(row, str(getattr(row, self.plan.id_key)))

    def check_fields(self, wanted: Iterable[str]) -> None:
        """Raises BadRequest (`fields-invalid`) for a name that this type does not have."""
        for name in wanted:
            part = self.declared.attributes.get(name) or self.declared.relationships.get(name)
            if part is None or not part.is_readable:
                raise BadRequest(
                    f"“{self.type}” has no “{name.replace('_', '-')[:100]}”.",
                    code="fields-invalid",
                    source={"parameter": f"fields[{self.type}]"},
                )

    def _list(self, where: VisibleHook | None, claims: Claims | None, sort: tuple[SortKey, ...] = ()) -> flask.Response:
        def read(db: Session, query: Query) -> dict[str, Any]:
            narrowed = () if where is None else criteria_of(where(claims))
            return reading.page(db, viewer_of(claims, query), self, query, narrowed, sort)

        return reading.answer(self, read)


def registered(metadata: MetaData) -> list[Resource[Any]]:
    """The types of a service, by the tables that it stores them in."""
    return list(_registered.get(metadata, {}).values())


def prepare(metadata: MetaData | None = None) -> None:
    """Works out every resource of a service (or of all) at its start, so that a mistake in a declaration stops it."""
    services = list(_registered.values()) if metadata is None else [_registered.get(metadata, {})]
    for resources in services:
        for resource in resources.values():
            resource.serializer.variant((True,) * len(resource.plan.levels), None)
            for key in resource.served:
                reading.served(resource, key)


def _metadata(model: Any) -> MetaData:
    found: MetaData = model.metadata
    return found
