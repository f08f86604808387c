"""The text of ``filter=`` as a tree. Knows no resource and no database; what it accepts is bounded in every way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from chassis.errors import BadRequest

MAX_TEXT = 8192
MAX_DEPTH = 10
MAX_CONDITIONS = 50
MAX_VALUES = 1000

RELATION_OPS = frozenset({"has", "any"})
LIST_OPS = frozenset({"in_", "notin_"})
NULL_OPS = frozenset({"eq", "ne", "is_", "isnot"})
OPS = (
    frozenset({"gt", "ge", "lt", "le", "like", "ilike", "notlike", "notilike"})
    | frozenset({"between", "startswith", "endswith", "contains"})
    | NULL_OPS
    | LIST_OPS
    | RELATION_OPS
)
_ALIASES = {
    "in": "in_",
    "notin": "notin_",
    "not_in": "notin_",
    "is": "is_",
    "is_not": "isnot",
    "not_like": "notlike",
    "not_ilike": "notilike",
    "==": "eq",
    "!=": "ne",
    ">": "gt",
    ">=": "ge",
    "<": "lt",
    "<=": "le",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """`name op value`, or `name op field` where `field` names another attribute. Names are underscored."""

    name: str
    op: str
    value: Any = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Related:
    """There is a related row (`has`: to-one, `any`: to-many) for which `inner` holds."""

    name: str
    op: str
    inner: "Node | None"


@dataclass(frozen=True, slots=True)
class Every:
    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    node: "Node"


Node = Condition | Related | Every | Some | Not


def invalid(sentence: str, parameter: str = "filter") -> BadRequest:
    """The refusal of a filter, with a sentence that says what to write instead."""
    return BadRequest(sentence, code="filter-invalid", source={"parameter": parameter})


def parse_filter(text: str) -> Node | None:
    """The tree of a filter; None when it restricts nothing. Raises BadRequest (`filter-invalid`)."""
    if not text.strip():
        return None
    if len(text) > MAX_TEXT:
        raise invalid(f"A filter has at most {MAX_TEXT} characters.")
    try:
        content = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise invalid('The filter is not JSON. It is a list such as [{"name":"name","op":"eq","val":"x"}].') from None
    return _Parser().every(content, 1)


def shorthand(name: str, value: str) -> Condition:
    """``filter[name]=value``."""
    if len(value) > MAX_TEXT:
        raise invalid(f"A filter has at most {MAX_TEXT} characters.", f"filter[{name}]")
    return Condition(name.replace("-", "_"), "eq", value)


class _Parser:
    def __init__(self) -> None:
        self.conditions = 0

    def every(self, content: Any, depth: int) -> Node | None:
        """A list means that all of it holds; a single condition may stand without its list."""
        if isinstance(content, list):
            return self._group(Every, content, depth)
        return self._node(content, depth)

    def _group(self, kind: type[Every] | type[Some], content: Any, depth: int) -> Node | None:
        if not isinstance(content, list):
            raise invalid('"and" and "or" take a list of conditions.')
        nodes = tuple(node for item in content if (node := self._node(item, depth)) is not None)
        if len(nodes) == 1:
            return nodes[0]
        return kind(nodes) if nodes else None

    def _node(self, content: Any, depth: int) -> Node | None:
        if depth > MAX_DEPTH:
            raise invalid(f"A filter is nested at most {MAX_DEPTH} deep.")
        if not isinstance(content, Mapping):
            raise invalid('Each condition is an object such as {"name":"name","op":"eq","val":"x"}.')
        groups = [key for key in ("and", "or", "not") if key in content]
        if not groups:
            return self._condition(content, depth)
        if len(groups) > 1 or "name" in content:
            raise invalid('One object is either a condition or one of "and", "or" and "not".')
        inner = content[groups[0]]
        if groups[0] == "not":
            node = self.every(inner, depth + 1)
            return None if node is None else Not(node)
        return self._group(Every if groups[0] == "and" else Some, inner, depth + 1)

    def _condition(self, content: Mapping[str, Any], depth: int) -> Node:
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise invalid(f"A filter has at most {MAX_CONDITIONS} conditions.")
        name, op = content.get("name"), content.get("op")
        if not isinstance(name, str) or not name:
            raise invalid('Each condition needs a "name": the attribute or relation to look at.')
        if not isinstance(op, str) or _ALIASES.get(op, op) not in OPS:
            raise invalid(f'"op" has to be one of {", ".join(sorted(OPS))}.')
        name, op = name.replace("-", "_"), _ALIASES.get(op, op)
        if op in RELATION_OPS:
            inner = content.get("val")
            return Related(name, op, None if inner is None else self.every(inner, depth + 1))
        return self._comparison(name, op, content)

    def _comparison(self, name: str, op: str, content: Mapping[str, Any]) -> Condition:
        if "field" in content:
            field = content["field"]
            if not isinstance(field, str) or op in LIST_OPS | {"between", "is_", "isnot"}:
                raise invalid('"field" is the name of another attribute, for a comparison of two values.')
            return Condition(name, op, field=field.replace("-", "_"))
        if "val" not in content:
            raise invalid('Each condition needs a "val" (it may be null), or a "field" to compare with.')
        value = content["val"]
        if op in LIST_OPS and (not isinstance(value, list) or len(value) > MAX_VALUES):
            raise invalid(f'"{op}" takes a list of at most {MAX_VALUES} values.')
        if op == "between" and (not isinstance(value, list) or len(value) != 2):
            raise invalid('"between" takes a list of two values.')
        if value is None and op not in NULL_OPS:
            raise invalid(f'"{op}" needs a value; null goes with eq, ne, is_ and isnot.')
        return Condition(name, op, value)
