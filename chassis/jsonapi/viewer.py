"""Who looks, and what they may see: the same criteria for lists, includes, filters and sorting."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, bindparam, false, select
from sqlalchemy.orm import Session

from chassis.jsonapi.grammar import PLAIN, Query

if TYPE_CHECKING:
    from chassis.auth import Claims
    from chassis.jsonapi.plan import Link
    from chassis.jsonapi.resource import Resource

Held = tuple[bool, ...]


def viewer_of(claims: Claims | None, query: Query = PLAIN) -> Viewer:
    """The caller of this query."""
    return Viewer(claims, wants_trashed=query.wants_trashed)


def criteria_of(answer: ColumnElement[bool] | bool) -> tuple[ColumnElement[bool], ...]:
    """What a `visible` hook answered, as criteria to be ANDed."""
    if isinstance(answer, bool):
        return () if answer else (false(),)
    return (answer,)


class Viewer:
    """One caller during one request."""

    def __init__(self, claims: Claims | None, *, wants_trashed: bool = False) -> None:
        self.claims = claims
        self.sees_trashed = wants_trashed and claims is not None and claims.is_admin
        self._rows: dict[Resource[Any], tuple[ColumnElement[bool], ...]] = {}
        self._listed: dict[Resource[Any], tuple[ColumnElement[bool], ...]] = {}
        self._levels: dict[tuple[Resource[Any], str], ColumnElement[bool] | bool] = {}
        self._views: dict[Resource[Any], View] = {}

    def rows(self, resource: Resource[Any]) -> tuple[ColumnElement[bool], ...]:
        """The criteria (to be ANDed) of the rows that this caller may see."""
        if (criteria := self._rows.get(resource)) is None:
            kept = () if resource.visible is None else criteria_of(resource.visible(self.claims))
            criteria = self._rows[resource] = (*kept, *(() if self.sees_trashed else resource.plan.not_deleted))
        return criteria

    def through(self, link: Link) -> tuple[ColumnElement[bool], ...]:
        """What narrows these rows further where a relation leads to them: through one to many, unlisted ones are not found."""
        target = link.target
        if target is None or target.listed is None or not link.relation.is_many:
            return ()
        if (criteria := self._listed.get(target)) is None:
            criteria = self._listed[target] = criteria_of(target.listed(self.claims))
        return criteria

    def level(self, resource: Resource[Any], name: str) -> ColumnElement[bool] | bool:
        """On which rows this caller holds the level; admins hold every level, the anonymous none."""
        if self.claims is None:
            return False
        if self.claims.is_super_admin:
            return True
        if name in ("user", "admin", "super-admin"):
            return name == "user" or (name == "admin" and self.claims.is_admin)
        if self.claims.is_admin:
            return True
        if (level := self._levels.get((resource, name))) is None:
            level = self._levels[resource, name] = resource.levels[name](self.claims)
        return level

    def view(self, resource: Resource[Any]) -> View:
        """The resource as this caller sees it."""
        if (view := self._views.get(resource)) is None:
            view = self._views[resource] = _kept.view(self, resource) if resource.keeps_views else View(self, resource)
        return view


class View:
    """Rows of one resource for one viewer: how to select them, and which levels the viewer holds on each."""

    def __init__(self, viewer: Viewer, resource: Resource[Any]) -> None:
        self.resource = resource
        self.criteria = viewer.rows(resource)
        levels = [viewer.level(resource, name) for name in resource.plan.levels]
        self.columns = [
            level.label(f"level_{index}") for index, level in enumerate(levels) if not isinstance(level, bool)
        ]
        self._levels = [level if isinstance(level, bool) else None for level in levels]
        self._constant: Held = tuple(bool(level) for level in self._levels)
        self._finding: dict[tuple[str, bool], Select[Any]] = {}
        self._asking: Any = None

    def finding(self, column: Any, *, lock: bool) -> Select[Any]:
        """Selects the visible row whose `column` is the parameter ``sought``, locked on wish; built once per view."""
        key = (column.key, lock)
        if (statement := self._finding.get(key)) is None:
            statement = self.select().where(column == bindparam("sought"))
            if lock:
                statement = statement.with_for_update(of=self.resource.model)
                statement = statement.execution_options(populate_existing=True)
            self._finding[key] = statement
        return statement

    def levels_of(self, db: Session, identity: Any) -> Held:
        """The levels that the viewer holds on the row with this id."""
        if not self.columns:
            return self._constant
        if self._asking is None:
            self._asking = select(*self.columns).where(self.resource.plan.id_column == bindparam("sought"))
        found = db.execute(self._asking, {"sought": identity}).first()
        return self.held(tuple(found) if found is not None else (False,) * len(self.columns))

    def holding(self, names: Collection[str]) -> Held:
        """The levels of a row on which the viewer is known to hold exactly these, of those that differ by row."""
        known = zip(self.resource.plan.levels, self._levels, strict=True)
        return tuple(name in names if level is None else level for name, level in known)

    def select(self, *leading: Any) -> Select[Any]:
        """Selects `leading`, the row and its levels, of visible rows only."""
        return select(*leading, self.resource.model, *self.columns).where(*self.criteria)

    def held(self, values: tuple[Any, ...]) -> Held:
        """The levels of one row from what `columns` gave for it."""
        if not values:
            return self._constant
        found = iter(values)
        return tuple(bool(next(found)) if level is None else level for level in self._levels)


class _Kept:
    """Views of the latest callers. Building one, and having SQLAlchemy look through it, costs more than the query.

    Keyed by everything that a `visible` or `levels` hook may look at: a new token of the same user with another address
    or rank is another caller.
    """

    SIZE = 4_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._views: OrderedDict[tuple[Any, ...], View] = OrderedDict()

    def view(self, viewer: Viewer, resource: Resource[Any]) -> View:
        """The view of this caller, from before or built now."""
        claims = viewer.claims
        caller = None if claims is None else (claims.user_id, claims.email, claims.role, claims.is_verified)
        key = (resource, viewer.sees_trashed, caller)
        with self._lock:
            if (view := self._views.get(key)) is not None:
                self._views.move_to_end(key)
                return view
        view = View(viewer, resource)
        with self._lock:
            self._views[key] = view
            while len(self._views) > self.SIZE:
                self._views.popitem(last=False)
        return view


_kept = _Kept()
