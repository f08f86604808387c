"""One routing table for five services, built from the same specs that they serve.

A path is matched segment by segment: literal segments win over parameters, parameters with a stricter schema (number,
pattern) win over free ones, and a dead end goes back. So `/v1/tickets/{id}` of events and `/v1/tickets/{order_identifier}`
of tickets live side by side.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from chassis.auth import Requirement
from chassis.spec import operations, parameters


@dataclass(frozen=True)
class Route:
    """Where one operation is served and who may call it; `kept_seconds`: how long everybody gets the same answer."""

    service: str
    method: str
    path: str
    operation_id: str
    requirement: Requirement
    rate: str
    kept_seconds: float


@dataclass
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    patterns: dict[str, tuple[int, re.Pattern[str], "_Node"]] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)


class AmbiguousPathError(ValueError):
    """Two services claim the same operation: a path has exactly one owner."""


class RoutingTable:
    """All public operations. Raises AmbiguousPathError, or ValueError for an operation that does not say who may call it."""

    def __init__(self, specs: Mapping[str, Mapping[str, Any]]) -> None:
        self._root = _Node()
        self.routes: list[Route] = []
        for service, document in specs.items():
            for method, path, operation in operations(document):
                self._add(service, document, method, path, operation)

    def find(self, method: str, path: str) -> Route | None:
        """The operation that answers; None when nothing has this path and method (see `methods`)."""
        for node in self._matches(path):
            if method in node.routes:
                return node.routes[method]
        return None

    def methods(self, path: str) -> set[str]:
        """Which methods this path has, at any service."""
        return {method for node in self._matches(path) for method in node.routes}

    def _add(
        self, service: str, document: Mapping[str, Any], method: str, path: str, operation: dict[str, Any]
    ) -> None:
        try:
            requirement = Requirement.of(operation.get("security", document.get("security")))
        except ValueError as error:
            raise ValueError(f"{service}: {method} {path}: {error}") from None
        declared = parameters(document, path, operation)
        schemas = {each["name"]: each["schema"] for each in declared if each["in"] == "path"}
        node = self._root
        for segment in path.strip("/").split("/"):
            node = _step(node, segment, schemas)
        verb = method.upper()
        if verb in node.routes:
            raise AmbiguousPathError(f"{verb} {path} is served by {node.routes[verb].service} and by {service}")
        rate = str(operation.get("x-rate", "default"))
        kept_seconds = float(operation.get("x-kept-seconds", 0))
        if kept_seconds and (verb != "GET" or not requirement.is_optional):
            raise ValueError(f"{service}: {method} {path}: only what anybody may GET can be kept")
        node.routes[verb] = Route(service, verb, path, operation["operationId"], requirement, rate, kept_seconds)
        self.routes.append(node.routes[verb])

    def _matches(self, path: str) -> Iterable[_Node]:
        if not path.startswith("/"):
            return []
        return _walk(self._root, [unquote(part) for part in path[1:].split("/")], 0)


def _walk(node: _Node, segments: list[str], at: int) -> Iterable[_Node]:
    if at == len(segments):
        if node.routes:
            yield node
        return
    if (literal := node.literals.get(segments[at])) is not None:
        yield from _walk(literal, segments, at + 1)
    for _, pattern, child in sorted(node.patterns.values(), key=lambda entry: entry[0]):
        if pattern.fullmatch(segments[at]):
            yield from _walk(child, segments, at + 1)


def _step(node: _Node, segment: str, schemas: Mapping[str, Mapping[str, Any]]) -> _Node:
    if "{" not in segment:
        return node.literals.setdefault(segment, _Node())
    weight, expression = 0, ""
    for part in re.split(r"(\{[^}]+\})", segment):
        if part.startswith("{"):
            strictness, piece = _expression(schemas.get(part[1:-1], {}))
            weight, expression = weight + strictness, expression + f"(?:{piece})"
        else:
            weight, expression = weight - len(part), expression + re.escape(part)
    if expression not in node.patterns:
        node.patterns[expression] = (weight, re.compile(expression), _Node())
    return node.patterns[expression][2]


def _expression(schema: Mapping[str, Any]) -> tuple[int, str]:
    """How loose a parameter is (the stricter, the earlier it is tried) and what it matches."""
    if "pattern" in schema:
        return 1, str(schema["pattern"]).removeprefix("^").removesuffix("$")
    if schema.get("type") == "integer":
        return 2, "[0-9]+"
    if schema.get("enum"):
        return 1, "|".join(re.escape(str(value)) for value in schema["enum"])
    return 10, "[^/]+"
