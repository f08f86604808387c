"""Values of documents and query strings as the values that a column takes, and back.

Whatever PostgreSQL would refuse (a number too large for its column, a NUL in a text) is refused here, with a sentence.
"""

import datetime as dt
import enum
import math
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from sqlalchemy import types as sql

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_MAX_NUMBER = Decimal(10) ** 30
MAX_JSON_DEPTH = 20
_JSON_LIMIT = 10**18


class Misfit(ValueError):
    """Not a value of this kind; the message is the end of a sentence: "… has to be a whole number"."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a column holds. `cast` raises Misfit."""

    name: str
    cast: Callable[[Any], Any]
    is_text: bool = False
    is_ordered: bool = True


def kind_of(column_type: Any, schema: Mapping[str, Any]) -> Kind:
    """The kind of a column, by its SQL type, or by its OpenAPI schema where SQL has nothing to say."""
    if isinstance(column_type, sql.TypeDecorator):
        column_type = column_type.impl_instance
    for known, make in _BY_SQL:
        if isinstance(column_type, known):
            return make(column_type)
    return _BY_SCHEMA.get(schema.get("format", ""), _BY_SCHEMA.get(schema.get("type", ""), OPAQUE))


def to_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise Misfit("has to be true or false")


def to_integer(bits: int) -> Callable[[Any], int]:
    """Numbers, and their digits as text (ids are text in documents), that fit the column."""
    limit = 2 ** (bits - 1)

    def cast(value: Any) -> int:
        if (isinstance(value, str) and _INTEGER.fullmatch(value)) or (isinstance(value, float) and value.is_integer()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Misfit("has to be a whole number")
        if not -limit <= value < limit:
            raise Misfit("is too large a number")
        return value

    return cast


def to_decimal(column_type: Any) -> Callable[[Any], Decimal]:
    """Exact numbers with as many digits as the column takes."""
    precision, scale = getattr(column_type, "precision", None), getattr(column_type, "scale", None) or 0
    limit = _MAX_NUMBER if precision is None else Decimal(10) ** (precision - scale)

    def cast(value: Any) -> Decimal:
        number = _number(value)
        if abs(number) >= limit:
            raise Misfit("is too large a number")
        return number

    return cast


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal) or len(str(value)) > 60:
        raise Misfit("has to be a number")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise Misfit("has to be a number") from None
    if not number.is_finite():
        raise Misfit("has to be a number")
    if abs(number) >= _MAX_NUMBER or number.adjusted() < -30:
        raise Misfit("has too many digits")
    return number


def to_float(value: Any) -> float:
    number = float(_number(value))
    if not math.isfinite(number):
        raise Misfit("has to be a number")
    return number


def to_text(max_length: int | None) -> Callable[[Any], str]:
    def cast(value: Any) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise Misfit("has to be text")
        if "\x00" in value:
            raise Misfit("cannot contain a NUL character")
        if max_length is not None and len(value) > max_length:
            raise Misfit(f"has at most {max_length} characters")
        return value

    return cast


def to_datetime(is_aware: bool) -> Callable[[Any], dt.datetime]:
    """ISO 8601, with or without milliseconds and Z; without a zone it is UTC."""

    def cast(value: Any) -> dt.datetime:
        try:
            moment = dt.datetime.fromisoformat(value)
            moment = moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        except (TypeError, ValueError, OverflowError):
            raise Misfit("has to be a time such as 2026-11-24T10:00:00Z") from None
        return moment if is_aware else moment.replace(tzinfo=None)

    return cast


def to_date(value: Any) -> dt.date:
    try:
        return dt.date.fromisoformat(value[:10] if "T" in value else value)
    except (TypeError, ValueError):
        raise Misfit("has to be a date such as 2026-11-24") from None


def to_time(value: Any) -> dt.time:
    try:
        return dt.time.fromisoformat(value)
    except (TypeError, ValueError):
        raise Misfit("has to be a time such as 10:00") from None


def to_uuid(value: Any) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except (AttributeError, TypeError, ValueError):
        raise Misfit("has to be a UUID") from None


def to_member(column_type: "sql.Enum") -> Callable[[Any], Any]:
    """The member of an Enum column that a document calls by its value (or, in a list of texts, by itself)."""
    members = column_type.enum_class
    allowed: dict[str, Any] = (
        {str(getattr(member, "value", member)): member for member in members}
        if members is not None
        else {name: name for name in column_type.enums}
    )

    def cast(value: Any) -> Any:
        if not isinstance(value, str) or value not in allowed:
            raise Misfit(f"has to be one of {', '.join(allowed)}")
        return allowed[value]

    return cast


def as_it_is(value: Any) -> Any:
    """JSON columns take any JSON that PostgreSQL can store and that every answer can show.

    orjson reads 1024 levels and numbers of any size, but writes 254 levels and integers of 64 bits: what could not be
    written would take down each list it is in. (PostgreSQL gives 1e20 back with all its digits, and -2**63 - 1, which orjson
    reads as a float, with others than it came with.)
    """
    _check_json(value, 0)
    return value


def _check_json(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise Misfit("cannot contain a NUL character")
    elif isinstance(value, int | float):
        if abs(value) > _JSON_LIMIT:
            raise Misfit("contains a number that is too large")
    elif isinstance(value, dict | list):
        if depth == MAX_JSON_DEPTH:
            raise Misfit(f"is nested at most {MAX_JSON_DEPTH} deep")
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            _check_json(item, depth + 1)


BOOLEAN = Kind("boolean", to_boolean)
INTEGER = Kind("integer", to_integer(32))
BIG_INTEGER = Kind("integer", to_integer(64))
NUMBER = Kind("number", to_decimal(None))
DATETIME = Kind("datetime", to_datetime(True))
DATE = Kind("date", to_date)
UUID = Kind("uuid", to_uuid)
TEXT = Kind("text", to_text(None), is_text=True)
OPAQUE = Kind("opaque", as_it_is, is_ordered=False)

_BY_SQL: tuple[tuple[Any, Callable[[Any], Kind]], ...] = (
    (sql.Enum, lambda column: Kind("enum", to_member(column))),
    (sql.Boolean, lambda _: BOOLEAN),
    (sql.SmallInteger, lambda _: Kind("integer", to_integer(16))),
    (sql.BigInteger, lambda _: BIG_INTEGER),
    (sql.Integer, lambda _: INTEGER),
    (sql.Float, lambda _: Kind("number", to_float)),
    (sql.Numeric, lambda column: Kind("number", to_decimal(column))),
    (sql.String, lambda column: Kind("text", to_text(column.length), is_text=True)),
    (sql.DateTime, lambda column: Kind("datetime", to_datetime(bool(column.timezone)))),
    (sql.Date, lambda _: DATE),
    (sql.Time, lambda _: Kind("time", to_time)),
    (sql.Uuid, lambda _: UUID),
    (sql.JSON, lambda _: OPAQUE),
    (sql.ARRAY, lambda _: OPAQUE),
)
_BY_SCHEMA = {
    "date-time": DATETIME,
    "date": DATE,
    "uuid": UUID,
    "boolean": BOOLEAN,
    "integer": BIG_INTEGER,
    "number": NUMBER,
    "string": TEXT,
}


def utc_text(moment: dt.datetime) -> str:
    """``2026-11-24T10:00:00Z``; without a zone it is UTC. (orjson writes it three times as fast as isoformat.)"""
    text = orjson.dumps(moment, option=_UTC)[1:-1].decode()
    return text if text.endswith("Z") else utc_text(moment.astimezone(dt.UTC))


_UTC = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS | orjson.OPT_NAIVE_UTC


def plain(value: Any) -> Any:
    """Any value as JSON knows it. Raises TypeError for what has no place in a document."""
    if type(value) in _JSON:
        return value
    for known, convert in _PLAIN:
        if isinstance(value, known):
            return convert(value)
    raise TypeError(f"{type(value).__name__} has no place in a document")


_JSON = frozenset({type(None), bool, int, float, str})
_PLAIN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (dt.datetime, utc_text),
    ((dt.date, dt.time), lambda value: value.isoformat()),
    (Decimal, float),
    (uuid.UUID, str),
    (enum.Enum, lambda member: plain(member.value)),
    (Mapping, lambda value: {str(key): plain(item) for key, item in value.items()}),
    ((list, tuple, set, frozenset), lambda value: [plain(item) for item in value]),
    (str, str),
    (int, int),
)
