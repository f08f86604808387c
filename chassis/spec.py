"""A service's openapi.yaml as one self-contained dict, and the resource schemas in it.

Services refer to common parts by file (``'../../chassis/openapi/common.yaml#/components/responses/NotFound'``). `load`
copies what is referred to, and what that refers to, into the document's own components, because Connexion, the gateway
and schemathesis all take a dict whose ``$ref``s are local.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]


class SpecError(Exception):
    """A spec that cannot be used; stops the start of the service."""


class _Loader(yaml.CSafeLoader):
    """YAML as JSON knows it: a date in an example stays a string."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def load(path: str | Path) -> Document:
    """The spec at `path` with the parts of other files copied into its own components."""
    path = Path(path).resolve()
    document = _read(path)
    _Gathering(document, path).take(document, path)
    return document


def resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """`node` with its own local ``$ref`` followed and its ``allOf`` merged; what lies deeper stays as it is."""
    seen: set[str] = set()
    while "$ref" in node:
        reference = node["$ref"]
        if reference in seen:
            raise SpecError(f"{reference} refers to itself.")
        seen.add(reference)
        node = _at(document, reference)
    if "allOf" not in node:
        return dict(node)
    merged: dict[str, Any] = {}
    for part in [*node["allOf"], {key: value for key, value in node.items() if key != "allOf"}]:
        merged = _merged(document, merged, resolved(document, part))
    return merged


def _merged(document: Mapping[str, Any], first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(first)
    for key, value in second.items():
        known = merged.get(key)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            merged[key] = _merged(document, resolved(document, known), resolved(document, value))
        elif key == "required" and isinstance(known, list):
            merged[key] = [*known, *(name for name in value if name not in known)]
        else:
            merged[key] = value
    return merged


def resource_schema(document: Mapping[str, Any], resource_type: str) -> dict[str, Any]:
    """The schema of a JSON:API type: ``components.schemas.<type>``. Raises SpecError when there is none."""
    try:
        schema = document["components"]["schemas"][resource_type]
    except KeyError:
        raise SpecError(f"The spec declares no resource schema components.schemas.{resource_type}.") from None
    return resolved(document, schema)


def properties(document: Mapping[str, Any], schema: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """The resolved properties of the object ``schema.properties.<name>``, empty when it is not there."""
    part = schema.get("properties", {}).get(name)
    if part is None:
        return {}
    found = resolved(document, part).get("properties", {})
    return {key: resolved(document, value) for key, value in found.items()}


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation as (method, path, operation)."""
    for path, item in document.get("paths", {}).items():
        for method in ("get", "post", "patch", "put", "delete"):
            if method in item:
                yield method, path, item[method]


def parameters(document: Mapping[str, Any], path: str, operation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameters of an operation and of its path, with their schemas, resolved."""
    declared = [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]
    found = [resolved(document, each) for each in declared]
    return [{**each, "schema": resolved(document, each.get("schema", {}))} for each in found]


def answered_media(document: Mapping[str, Any], operation: Mapping[str, Any]) -> frozenset[str]:
    """The media types that an operation's answers have when it succeeds."""
    declared = [answer for status, answer in operation["responses"].items() if str(status).startswith("2")]
    return frozenset(media for answer in declared for media in resolved(document, answer).get("content", {}))


def _read(path: Path) -> Document:
    with path.open(encoding="utf-8") as file:
        document = _with_text_keys(yaml.load(file, _Loader))  # noqa: S506 (a safe loader with fewer types)
    if not isinstance(document, dict):
        raise SpecError(f"{path.name} is not a mapping.")
    return document


def _with_text_keys(node: Any) -> Any:
    """``200:`` in YAML is a number, in JSON it is "200"."""
    if isinstance(node, dict):
        return {str(key): _with_text_keys(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_text_keys(value) for value in node]
    return node


def _at(document: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    node: Any = document
    if not reference.startswith("#/"):
        raise SpecError(f"{reference} is not a local reference.")
    for part in reference[2:].split("/"):
        try:
            node = node[part.replace("~1", "/").replace("~0", "~")]
        except (KeyError, TypeError):
            raise SpecError(f"{reference} leads nowhere.") from None
    if not isinstance(node, Mapping):
        raise SpecError(f"{reference} is not an object.")
    return node


class _Gathering:
    """Brings home what a document refers to in other files."""

    def __init__(self, document: Document, path: Path) -> None:
        self.document = document
        self.files: dict[Path, Document] = {path: document}
        self.origin: dict[tuple[str, str], Path] = {}

    def take(self, node: Any, path: Path) -> None:
        """Makes every reference in `node`, which was written in the file at `path`, a local one."""
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                node["$ref"] = self._localised(reference, path)
            for value in list(node.values()):
                self.take(value, path)
        elif isinstance(node, list):
            for value in node:
                self.take(value, path)

    def _localised(self, reference: str, path: Path) -> str:
        file, _, pointer = reference.partition("#")
        source = (path.parent / file).resolve() if file else path
        if source not in self.files:
            self.files[source] = _read(source)
        if self.files[source] is self.document:
            return f"#{pointer}"
        parts = pointer.split("/")
        if len(parts) != 4 or parts[1] != "components":
            raise SpecError(f"{reference}: only #/components/<section>/<name> of another file can be used.")
        section, name = parts[2], parts[3]
        target = self.document.setdefault("components", {}).setdefault(section, {})
        if self.origin.get((section, name)) == source:
            return f"#{pointer}"
        if target.get(name, {"$ref": reference}).get("$ref") != reference:
            raise SpecError(f"{reference}: the spec has its own components.{section}.{name}.")
        self.origin[section, name] = source
        target[name] = dict(_at(self.files[source], f"#{pointer}"))
        self.take(target[name], source)
        return f"#{pointer}"
