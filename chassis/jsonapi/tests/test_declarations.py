from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import ForeignKey, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

import chassis.db
from chassis.jsonapi import Resource, prepare, resource
from chassis.jsonapi.links import plural
from chassis.jsonapi.tests import library
from chassis.spec import SpecError


class Base(chassis.db.Base, DeclarativeBase):
    __abstract__ = True
    metadata = MetaData()


class Thing(Base):
    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("things.id"))
    parts: Mapped[list["Thing"]] = relationship(lazy="raise")

    @property
    def shout(self) -> str:
        return self.name.upper()


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """What is declared wrongly here must not stop services that start in the same process."""
    yield
    resource._registered.pop(Base.metadata, None)


def declare(attributes: dict[str, Any], relations: dict[str, Any] | None = None, **rest: Any) -> Resource[Thing]:
    """Declares `thing` anew, as a service does at its start."""
    resource._registered.pop(Base.metadata, None)
    schema = {
        "properties": {
            "attributes": {"properties": attributes},
            "relationships": {"properties": relations or {}},
        }
    }
    thing = Resource("thing", Thing, spec={"components": {"schemas": {"thing": schema}}}, **rest)
    prepare(Base.metadata)
    return thing


def test_what_says_enough_starts() -> None:
    prepare(library.Base.metadata)
    assert declare({"name": {"type": "string"}}).path == "/v1/things"


@pytest.mark.parametrize(
    ("attributes", "relations", "complaint"),
    [
        ({"colour": {}}, {}, "thing: the model has nothing for the attribute colour."),
        ({"name": {"x-visible-to": "king"}}, {}, "thing: nobody says who holds the level king."),
        ({}, {"other": {}}, "thing: the relation other needs x-type."),
        ({}, {"parts": {"x-type": "thing"}}, "thing: x-many of parts is not what the model says."),
        ({"name": {}}, {"name": {"x-type": "thing"}}, "thing: name is both an attribute and a relation."),
    ],
)
def test_a_mistake_in_a_declaration_stops_the_start(
    attributes: dict[str, Any], relations: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(SpecError) as caught:
        declare(attributes, relations)
    assert str(caught.value) == complaint


def test_an_expression_needs_a_function_that_reads_it() -> None:
    with pytest.raises(SpecError) as caught:
        declare({"size": {}}, columns={"size": Thing.id + 1})
    assert str(caught.value) == "thing: size needs a function in computed= that reads it off a row."


def test_an_attribute_may_have_another_column() -> None:
    thing = declare({"label-text": {"type": "string"}}, columns={"label-text": "name"})
    assert thing.plan.fields["label_text"].stored == "name"
    assert declare({"label": {}}, columns={"label": Thing.name}).plan.fields["label"].stored == "name"


def test_what_is_computed_is_not_stored_as_it_comes() -> None:
    """An amount in major units must not be written to the column of minor units that it is filtered by."""
    thing = declare(
        {"size": {"type": "number"}}, columns={"size": Thing.id}, computed={"size": lambda row: row.id / 100}
    )
    field = thing.plan.fields["size"]
    assert (field.stored, field.expression is Thing.id) == (None, True)
    assert thing.read({"data": {"type": "thing", "attributes": {"size": 1.5}}}).values == {"size": 1.5}


def test_a_property_of_the_model_is_shown_and_not_asked_about() -> None:
    field = declare({"shout": {"type": "string"}}).plan.fields["shout"]
    assert (field.stored, field.expression, field.get and field.get(Thing(name="a"))) == (None, None, "A")


@pytest.mark.parametrize("relation", ["elsewhere", "nothing"])
def test_what_is_served_has_to_be_here(relation: str) -> None:
    thing = declare({}, {"elsewhere": {"x-type": "other", "x-many": True}})
    thing.fetch_related(relation)
    with pytest.raises(SpecError):
        prepare(Base.metadata)


def test_a_type_is_declared_once_per_service() -> None:
    with pytest.raises(SpecError):
        Resource("book", library.Book, spec=library.SPEC)


def test_a_type_needs_a_schema() -> None:
    with pytest.raises(SpecError):
        Resource("thing", Thing, spec={"components": {"schemas": {}}})


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("order", "orders"),
        ("tax", "taxes"),
        ("speakers-call", "speakers-calls"),
        ("activity", "activities"),
        ("key", "keys"),
        ("event-copyright", "event-copyrights"),
    ],
)
def test_plurals(one: str, many: str) -> None:
    assert plural(one) == many
