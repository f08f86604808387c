"""The query string of a JSON:API request, parsed. Knows no resource and no database; unknown parameters are ignored."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from chassis.errors import BadRequest
from chassis.jsonapi.filters import Every, Node, invalid, parse_filter, shorthand

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 1000
MAX_PAGE_NUMBER = 10**9
MAX_INCLUDE_DEPTH = 4
MAX_INCLUDES = 50
MAX_SORT_KEYS = 10
MAX_SHORTHANDS = 20

_NUMBER = re.compile(r"[0-9]{1,10}")
_BRACKETS = re.compile(r"(fields|filter)\[([^\[\]]{1,100})\]")
_TRUE = frozenset({"true", "1", "yes", "on"})

Includes = dict[str, "Includes"]


@dataclass(frozen=True, slots=True)
class SortKey:
    """`attr` or `relation.attr`, both underscored."""

    path: tuple[str, ...]
    is_descending: bool
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """What a caller wants to see. Names are underscored; whether they exist is for the resource to say."""

    include: Includes = field(default_factory=dict)
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sort: tuple[SortKey, ...] = ()
    filter: Node | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    page_number: int = 1
    wants_trashed: bool = False
    is_permanent: bool = False


PLAIN = Query()


def parse(parameters: Iterable[tuple[str, str]]) -> Query:
    """The query of these (name, value) pairs; the last of equal names counts. Raises BadRequest (400)."""
    pairs = tuple(parameters)
    return _parsed(pairs) if pairs else PLAIN


@lru_cache(maxsize=512)  # a Query is never changed, and clients repeat themselves
def _parsed(pairs: tuple[tuple[str, str], ...]) -> Query:
    given = dict(pairs)
    fields: dict[str, frozenset[str]] = {}
    conditions: list[Node] = []
    if (node := parse_filter(given.get("filter", ""))) is not None:
        conditions.append(node)
    for key, value in given.items():
        if (match := _BRACKETS.fullmatch(key)) is None:
            continue
        if match[1] == "fields":
            fields[match[2]] = frozenset(name.replace("-", "_") for name in _names(value))
        else:
            conditions.append(shorthand(match[2], value))
    if len(conditions) > MAX_SHORTHANDS:
        raise invalid(f"At most {MAX_SHORTHANDS} filter[…] parameters can be combined.")
    return Query(
        include=parse_include(given.get("include", "")),
        fields=fields,
        sort=parse_sort(given.get("sort", "")),
        filter=conditions[0] if len(conditions) == 1 else Every(tuple(conditions)) if conditions else None,
        page_size=parse_page_size(given.get("page[size]")),
        page_number=parse_page_number(given.get("page[number]")),
        wants_trashed=given.get("get_trashed", "").lower() in _TRUE,
        is_permanent=given.get("permanent", "").lower() in _TRUE,
    )


def parse_include(text: str) -> Includes:
    """``a,b.c`` as nested dicts."""
    tree: Includes = {}
    paths = _names(text)
    if len(paths) > MAX_INCLUDES:
        raise _bad("include", f"At most {MAX_INCLUDES} relations can be included at once.")
    for path in paths:
        steps = path.replace("-", "_").split(".")
        if len(steps) > MAX_INCLUDE_DEPTH:
            raise _bad("include", f"“{path[:100]}” follows more than {MAX_INCLUDE_DEPTH} relations.")
        branch = tree
        for step in steps:
            branch = branch.setdefault(step, {})
    return tree


def parse_sort(text: str) -> tuple[SortKey, ...]:
    """``a,-b,relation.c``."""
    keys = []
    for name in _names(text):
        path = tuple(name.removeprefix("-").replace("-", "_").split("."))
        if len(path) > 2:
            raise _bad("sort", f"“{name[:100]}” follows more than one relation.")
        keys.append(SortKey(path, name.startswith("-"), name))
    if len(keys) > MAX_SORT_KEYS:
        raise _bad("sort", f"At most {MAX_SORT_KEYS} attributes can be sorted by.")
    return tuple(keys)


def parse_page_size(text: str | None) -> int:
    """20 when nothing is said, 1000 at most, and 0 means as many as possible."""
    if text is None:
        return DEFAULT_PAGE_SIZE
    if not _NUMBER.fullmatch(text):
        raise _bad("page[size]", f"page[size] is a number from 0 to {MAX_PAGE_SIZE}.")
    return min(int(text), MAX_PAGE_SIZE) or MAX_PAGE_SIZE


def parse_page_number(text: str | None) -> int:
    if text is None:
        return 1
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_PAGE_NUMBER:
        raise _bad("page[number]", "page[number] is a number, and the first page is 1.")
    return int(text)


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def _bad(parameter: str, sentence: str) -> BadRequest:
    return BadRequest(sentence, code=f"{parameter.partition('[')[0]}-invalid", source={"parameter": parameter})
