"""What an owner accepts fits everywhere it is copied to: else every order of that event, or every message about it, fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import ARRAY, Column, String

from chassis.replicas import Replica
from gateway.config import SERVICES
from gateway.main import specs
from services.events.domain.roles import NAMES
from services.events.messages import PAYMENT_MODES
from services.orders.models import Order, OrderLine

CURRENCY, RATE, CODE_VALUE, ROLE_OF_USER = 3, 32, 64, len("super-admin")
TEAM_ROLE = max(map(len, NAMES.values()))
PAYMENT_MODE = max(map(len, ("free", *PAYMENT_MODES)))


@dataclass(frozen=True)
class Source:
    """Where the texts of a table come from: a resource of an owner's specification, attribute by attribute of the same name.

    `other`: columns that are called otherwise there, by resource and attribute, or how long the text is that the owner makes.
    """

    owner: str
    resource: str
    other: Mapping[str, tuple[str, str] | int] = field(default_factory=dict)


SOURCES = {
    "Event": Source("events", "event", {"currency": CURRENCY, "payment_modes": PAYMENT_MODE}),
    "Ticket": Source("events", "ticket", {"currency": CURRENCY}),
    "DiscountCode": Source("events", "discount-code", {"value": CODE_VALUE}),
    "EventRole": Source("events", "event", {"roles": TEAM_ROLE}),
    "User": Source("accounts", "user", {"locale": ("user", "language-prefrence"), "role": ROLE_OF_USER}),
}


def replicas_of(name: str) -> list[type[Replica]]:
    import_module(f"services.{name}.main")
    return [each for each in Replica.__subclasses__() if each.__module__.startswith(f"services.{name}.")]


def texts(model: Any) -> list[Column[Any]]:
    return [each for each in model.__table__.columns if isinstance(_element(each), String)]


def longest(source: Source, column: str) -> int | None:
    """How long a text the owner accepts for this column; None: as long as somebody likes."""
    said = source.other.get(column, (source.resource, column.replace("_", "-")))
    if isinstance(said, int):
        return said
    resource, name = said
    schema: Any = _specs()[source.owner]["components"]["schemas"][resource]
    attribute = schema["properties"]["attributes"]["properties"][name]
    if "enum" in attribute:
        return max(len(each) for each in attribute["enum"] if each is not None)
    limit: int | None = attribute.get("maxLength")
    return limit


def too_narrow(source: Source, columns: list[Column[Any]]) -> list[str]:
    found = []
    for column in columns:
        room, needed = _element(column).length, longest(source, column.key)
        if room is not None and (needed is None or needed > room):
            found.append(f"{column.table.name}.{column.key} holds {room}, {source.owner} accepts {needed}")
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_a_replica_holds_whatever_its_owner_accepts(name: str) -> None:
    found = [each for model in replicas_of(name) for each in too_narrow(SOURCES[model.__name__], texts(model))]
    assert found == []


def test_an_order_holds_what_it_notes_of_an_offer() -> None:
    of_order = Source("events", "tax", {"tax_name": ("tax", "name"), "tax_rate": RATE, "currency": CURRENCY})
    noted = [each for each in texts(Order) if each.key in of_order.other]
    assert len(noted) == len(of_order.other)
    of_line = Source("events", "ticket", {"ticket_name": ("ticket", "name")})
    assert [*too_narrow(of_order, noted), *too_narrow(of_line, texts(OrderLine))] == []


@cache
def _specs() -> Any:
    return specs()


def _element(column: Column[Any]) -> Any:
    return column.type.item_type if isinstance(column.type, ARRAY) else column.type
