"""A type prepared once: which column stands behind which name, and where each relation leads.

Everything that looks at mappers and schemas happens here, at the first request or at `prepare()`; requests only follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Mapper, RelationshipDirection, RelationshipProperty

from chassis.jsonapi.declared import Attribute, Relationship
from chassis.jsonapi.links import LinkOf, link_of
from chassis.jsonapi.values import Kind, kind_of
from chassis.spec import SpecError

if TYPE_CHECKING:
    from chassis.jsonapi.resource import Resource


@dataclass(frozen=True, slots=True)
class Field:
    """An attribute and what stands behind it.

    `stored` is the model's column attribute; `get` computes what is not stored; `expression` is what filters and sorts
    compare, None where there is nothing to compare.
    """

    attribute: Attribute
    stored: str | None
    get: Callable[[Any], Any] | None
    expression: Any
    kind: Kind | None


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A relation and where it leads. `orm` and `target` are None when another service holds the other end.

    `has_linkage`: there is a path ``/…/relationships/<relation>``; where there is none, documents link to none.
    """

    relation: Relationship
    orm: InstrumentedAttribute[Any] | None
    target: Resource[Any] | None
    foreign_key: str | None
    foreign_kind: Kind | None
    related_link: LinkOf | None
    has_linkage: bool

    @property
    def is_local(self) -> bool:
        """Whether it can be included and filtered through here."""
        return self.orm is not None and self.target is not None

    @property
    def is_simple(self) -> bool:
        """One-to-many over a single column, without further conditions."""
        prop = self._property
        pairs = prop.local_remote_pairs or ()
        return (
            prop.direction is RelationshipDirection.ONETOMANY
            and len(pairs) == 1
            and isinstance(prop.primaryjoin, sa.BinaryExpression)
            and prop.mapper is not prop.parent
        )

    @property
    def direction(self) -> RelationshipDirection:
        return self._property.direction

    @property
    def _property(self) -> RelationshipProperty[Any]:
        if self.orm is None:
            raise LookupError(f"{self.relation.name} leads to another service.")
        return self.orm.property  # type: ignore[return-value]

    @property
    def is_view_only(self) -> bool:
        """Whether the model only reads it."""
        return self._property.viewonly

    @property
    def is_self_referential(self) -> bool:
        """Whether it leads to its own type."""
        return self._property.mapper is self._property.parent

    @property
    def orm_key(self) -> str:
        """The relation's name on the model."""
        return self._property.key

    @property
    def remote_column(self) -> Any:
        """The column of the target that names the parent, of a simple one."""
        return (self._property.local_remote_pairs or ())[0][1]


class Plan:
    """A resource's fields and links by key, its id, and the criterion that hides deleted rows."""

    def __init__(self, resource: Resource[Any]) -> None:
        self.resource = resource
        self.mapper: Mapper[Any] = sa.inspect(resource.model)
        self.columns = frozenset(attribute.key for attribute in self.mapper.column_attrs)
        key = self.mapper.primary_key
        if len(key) != 1:
            raise SpecError(f"{resource.type}: a resource has exactly one primary key column.")
        self.id_key: str = self.mapper.get_property_by_column(key[0]).key
        self.id_column: Any = getattr(resource.model, self.id_key)
        self.id_kind = kind_of(key[0].type, {})
        self.not_deleted = self._not_deleted()
        self.fields = {key: self._field(attribute) for key, attribute in resource.declared.attributes.items()}
        self.levels = self._levels()
        self.links: Mapping[str, Link] = {
            key: self._link(relation) for key, relation in resource.declared.relationships.items()
        }

    def _not_deleted(self) -> tuple[Any, ...]:
        model: Any = self.resource.model
        criteria = []
        if "deleted_at" in self.columns:
            criteria.append(model.deleted_at.is_(None))
        if "is_deleted" in self.columns:
            criteria.append(model.is_deleted.is_(False))
        return tuple(criteria)

    def _levels(self) -> tuple[str, ...]:
        declared = self.resource.declared
        parts: list[Attribute | Relationship] = [*declared.attributes.values(), *declared.relationships.values()]
        levels = tuple(dict.fromkeys(part.level for part in parts if part.level is not None))
        known = {*self.resource.levels, "user", "admin", "super-admin"}
        if missing := set(levels) - known:
            raise SpecError(f"{self.resource.type}: nobody says who holds the level {', '.join(sorted(missing))}.")
        return levels

    def _field(self, attribute: Attribute) -> Field:
        """What is computed is not stored, even where a column is named to filter by: it may be in another unit."""
        resource = self.resource
        get = resource.computed.get(attribute.name, resource.computed.get(attribute.key))
        source = resource.columns.get(attribute.name, resource.columns.get(attribute.key))
        if source is None and get is None:
            source = attribute.key
        name = source.key if isinstance(source, InstrumentedAttribute) else source
        stored: str | None = None
        expression: Any = None
        if not isinstance(name, str):
            expression = name
        elif name in self.columns:
            expression, stored = getattr(resource.model, name), name if get is None else None
        elif get is None:
            get = self._property(attribute, name)
        if attribute.is_readable and stored is None and get is None:
            raise SpecError(f"{resource.type}: {attribute.name} needs a function in computed= that reads it off a row.")
        kind = None if expression is None else kind_of(expression.type, attribute.schema)
        return Field(attribute, stored, get, expression, kind)

    def _property(self, attribute: Attribute, name: str) -> Callable[[Any], Any] | None:
        """A property of the model; only what is never shown needs none."""
        if hasattr(self.resource.model, name):
            return attrgetter(name)
        if attribute.is_readable:
            raise SpecError(f"{self.resource.type}: the model has nothing for the attribute {attribute.name}.")
        return None

    def _link(self, relation: Relationship) -> Link:
        resource = self.resource
        orm: Any = resource.relations.get(relation.name, resource.relations.get(relation.key))
        if orm is None and relation.key in self.mapper.relationships:
            orm = getattr(resource.model, relation.key)
        target = resource.sibling(relation.type)
        if orm is not None and bool(orm.property.uselist) != relation.is_many:
            raise SpecError(f"{resource.type}: x-many of {relation.name} is not what the model says.")
        if orm is not None and target is not None and not issubclass(orm.property.mapper.class_, target.model):
            raise SpecError(f"{resource.type}: {relation.name} leads to a model that is not that of {relation.type}.")
        template = resource.links.get(relation.name, resource.links.get(relation.key))
        foreign = self._foreign_key(relation, orm)
        return Link(
            relation,
            orm,
            target,
            foreign_key=foreign,
            foreign_kind=None if foreign is None else kind_of(getattr(resource.model, foreign).type, {}),
            related_link=None if template is None else link_of(template),
            has_linkage=relation.name in resource.linkages,
        )

    def _foreign_key(self, relation: Relationship, orm: Any) -> str | None:
        if relation.is_many:
            return None
        if orm is None:
            return f"{relation.key}_id" if f"{relation.key}_id" in self.columns else None
        pairs = orm.property.local_remote_pairs
        if orm.property.direction is not RelationshipDirection.MANYTOONE or len(pairs) != 1:
            return None
        local, remote = pairs[0]
        if not remote.primary_key or not isinstance(orm.property.primaryjoin, sa.BinaryExpression):
            return None
        return str(self.mapper.get_property_by_column(local).key)
