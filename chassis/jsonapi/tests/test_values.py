import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from chassis.jsonapi.values import Misfit, kind_of, plain


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


class Colour(enum.Enum):
    RED = "dark-red"


AWARE, NAIVE = sa.DateTime(timezone=True), sa.DateTime()
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("column", "given", "cast"),
    [
        (sa.Boolean(), "true", True),
        (sa.Boolean(), False, False),
        (sa.Integer(), "42", 42),
        (sa.Integer(), 42.0, 42),
        (sa.BigInteger(), 2**62, 2**62),
        (sa.Numeric(10, 2), "10.5", Decimal("10.5")),
        (sa.Numeric(10, 2), 19.99, Decimal("19.99")),
        (sa.Float(), 1, 1.0),
        (sa.String(), "x", "x"),
        (sa.String(), 5, "5"),
        (AWARE, "2026-11-24T12:00:00.000Z", NOON),
        (AWARE, "2026-11-24T13:00:00+01:00", NOON),
        (AWARE, "2026-11-24T12:00", NOON),
        (AWARE, "2026-11-24", NOON.replace(hour=0)),
        (NAIVE, "2026-11-24T13:00:00+01:00", NOON.replace(tzinfo=None)),
        (sa.Date(), "2026-11-24", NOON.date()),
        (sa.Date(), "2026-11-24T12:00:00Z", NOON.date()),
        (sa.Time(), "12:00", dt.time(12)),
        (sa.Uuid(), "6f1c2f0e-2f4a-4f57-9a55-2a2f7a0d2f11", uuid.UUID("6f1c2f0e-2f4a-4f57-9a55-2a2f7a0d2f11")),
        (sa.Enum("a", "b"), "a", "a"),
        (sa.Enum(Colour), "dark-red", Colour.RED),
        (sa.JSON(), {"a": [1]}, {"a": [1]}),
        (sa.JSON(), nested(20), nested(20)),
        (sa.JSON(), [10**18, -1e18, 0.5], [10**18, -1e18, 0.5]),
    ],
)
def test_values_become_what_the_column_takes(column: Any, given: Any, cast: Any) -> None:
    assert kind_of(column, {}).cast(given) == cast


@pytest.mark.parametrize(
    ("column", "given"),
    [
        (sa.Boolean(), "yes"),
        (sa.Boolean(), 1),
        (sa.Integer(), True),
        (sa.Integer(), "4x"),
        (sa.Integer(), 2**31),
        (sa.SmallInteger(), 2**15),
        (sa.BigInteger(), 2**63),
        (sa.Integer(), "9" * 30),
        (sa.Numeric(), "NaN"),
        (sa.Numeric(), "1e40"),
        (sa.Numeric(), "1e-40"),
        (sa.Numeric(), float("inf")),
        (sa.Numeric(6, 2), 12345),
        (sa.Float(), "x"),
        (sa.String(), True),
        (sa.String(), "a\x00b"),
        (sa.String(3), "four"),
        (AWARE, "tomorrow"),
        (AWARE, 5),
        (AWARE, "0001-01-01T00:00:00+14:00"),
        (sa.Date(), "2026-13-01"),
        (sa.Date(), 7),
        (sa.Time(), "25:00"),
        (sa.Uuid(), "x"),
        (sa.Uuid(), 5),
        (sa.Enum("a", "b"), "c"),
        (sa.Enum(Colour), "RED"),
        (sa.JSON(), {"a": ["\x00"]}),
        (sa.JSON(), {"\x00": 1}),
        (sa.JSON(), nested(21)),
        (sa.JSON(), nested(1024)),
        (sa.JSON(), {"a": [1e20]}),
        (sa.JSON(), [2**63]),
        (sa.JSON(), -(2.0**63)),
        (sa.JSON(), -1e300),
    ],
)
def test_what_the_column_cannot_take_is_refused(column: Any, given: Any) -> None:
    with pytest.raises(Misfit):
        kind_of(column, {}).cast(given)


def test_decorated_columns_count_as_what_they_decorate() -> None:
    class Money(sa.TypeDecorator[int]):
        impl = sa.BigInteger
        cache_ok = True

    assert kind_of(Money(), {}).name == "integer"


def test_the_spec_speaks_where_sql_says_nothing() -> None:
    assert kind_of(sa.types.NullType(), {"type": "string", "format": "date-time"}).name == "datetime"
    assert kind_of(sa.types.NullType(), {}).name == "opaque"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (NOON, "2026-11-24T12:00:00Z"),
        (NOON.astimezone(dt.timezone(dt.timedelta(hours=5))), "2026-11-24T12:00:00Z"),
        (NOON.replace(tzinfo=None, microsecond=7), "2026-11-24T12:00:00Z"),
        (NOON.date(), "2026-11-24"),
        (Decimal("10.50"), 10.5),
        (Decimal("10.00"), 10),
        (Colour.RED, "dark-red"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ({"a": (NOON.date(), None)}, {"a": ["2026-11-24", None]}),
    ],
)
def test_documents_hold_plain_json(value: Any, shown: Any) -> None:
    assert plain(value) == shown


def test_what_has_no_place_in_a_document_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        plain(object())
