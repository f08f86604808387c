"""Links: where a resource, a relation and the other pages of a list are found. Relative to the host."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

_PLACE = re.compile(r"\{([a-z_]+)\}")

LinkOf = Callable[[Any, str], str]


def link_of(template: str) -> LinkOf:
    """``/v1/orders/{id}/tickets`` as a function of (row, id); other names in braces are attributes of the row, encoded."""
    names = _PLACE.findall(template)
    if names == ["id"]:
        head, tail = template.split("{id}")
        return lambda _row, identity: f"{head}{identity}{tail}"
    if len(names) == 1:
        name = names[0]
        head, tail = template.split(f"{{{name}}}")
        return lambda row, _identity: f"{head}{_encoded(row, name)}{tail}"
    parts = _PLACE.split(template)

    def link(row: Any, identity: str) -> str:
        return "".join(
            part if index % 2 == 0 else identity if part == "id" else _encoded(row, part)
            for index, part in enumerate(parts)
        )

    return link


def _encoded(row: Any, name: str) -> str:
    return quote(str(getattr(row, name)), safe="")


def linkages(spec: Mapping[str, Any], self_link: str) -> frozenset[str]:
    """The relations of a type that have a path of their own identifiers, ``/v1/tracks/{id}/relationships/sessions``."""
    start = "^" + re.sub(r"\\\{[a-z_]+\\\}", r"\\{[^/]+\\}", re.escape(self_link)) + "/relationships/([^/]+)$"
    return frozenset(found[1] for path in spec.get("paths", {}) if (found := re.match(start, path)))


def plural(resource_type: str) -> str:
    """What paths call a type: ``orders``, ``taxes``, ``activities``, ``speakers-calls``."""
    if resource_type.endswith("y") and resource_type[-2:-1] not in "aeiou":
        return f"{resource_type[:-1]}ies"
    return f"{resource_type}{'es' if resource_type.endswith(('s', 'x', 'ch')) else 's'}"


def page_links(
    path: str, parameters: Iterable[tuple[str, str]], number: int, size: int, count: int
) -> dict[str, str | None]:
    """Links of a page: self always; first, last, prev and next where there is more than one page."""
    kept = [(name, value) for name, value in parameters if name not in ("page[number]", "page[size]")]
    given = dict(parameters)

    def page(wanted: int) -> str:
        return with_query(path, [*kept, ("page[size]", str(size)), ("page[number]", str(wanted))])

    links: dict[str, str | None] = {"self": with_query(path, given.items())}
    last = max(1, -(-count // size))
    if last > 1:
        links["first"] = page(1)
        links["last"] = page(last)
        links["prev"] = page(min(number - 1, last)) if number > 1 else None
        links["next"] = page(number + 1) if number < last else None
    return links


def with_query(path: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The path with its query string, percent-encoded."""
    query = urlencode(list(parameters))
    path = quote(path, safe="/:@-._~!$&'()*+,;=")
    return f"{path}?{query}" if query else path
