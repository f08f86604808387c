"""The one public OpenAPI document, merged from the five specs, and the page that shows it.

Operations are grouped by the module that serves them, one per JSON:API type: by service, one of them had three hundred.
Components keep their service's name as a prefix. Twin paths (one template, two owners told apart by a pattern) become one
path with both answers, since OpenAPI knows only one `/v1/tickets/{…}`.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from chassis.spec import operations
from gateway.config import SERVICES

Document = dict[str, Any]
TITLES = {"accounts": "Accounts", "events": "Events", "orders": "Orders", "payments": "Payments", "tickets": "Tickets"}
DESCRIPTION = """Event ticketing: organizers publish and sell, buyers order and pay, attendees walk in.

To try an operation here that needs a login: `POST /auth/session` answers an `access_token`; paste it under **Authorize**.
Lists take `filter`, `sort`, `include`, `fields[…]` and `page[size]`, `page[number]`. An unsafe request that carries an
`Idempotency-Key` can be repeated and has one effect."""


def merge(specs: Mapping[str, Mapping[str, Any]], public_url: str = "/") -> Document:
    """All five specs as one document. The specs themselves stay as they are."""
    merged: Document = {
        "openapi": "3.0.3",
        "info": {
            "title": "Stagedoor",
            "version": "1.0.0",
            "description": DESCRIPTION,
        },
        "servers": [{"url": public_url}],
        "tags": _tags(specs),
        "paths": {},
        "components": {"securitySchemes": {"jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
    }
    for service, spec in specs.items():
        document = _prefixed(deepcopy(dict(spec)), service)
        for section, parts in document.get("components", {}).items():
            if section != "securitySchemes":
                target = merged["components"].setdefault(section, {})
                target.update({f"{service}.{name}": part for name, part in parts.items()})
        for method, path, operation in operations(document):
            _add(merged["paths"], path, method, _public(operation, service, document["paths"][path]))
    return merged


def _tags(specs: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """In the order of the services; within one, by name."""
    names = (sorted({_tag(each, name) for *_, each in operations(specs[name])}) for name in SERVICES if name in specs)
    return [{"name": tag} for tags in names for tag in tags]


def _tag(operation: Mapping[str, Any], service: str) -> str:
    """``services.events.api.discount_codes.…`` is “Events: discount codes”."""
    module = operation["operationId"].partition(".api.")[2].partition(".")[0]
    return f"{TITLES[service]}: {module.replace('_', ' ')}"


def _public(operation: Document, service: str, item: Mapping[str, Any]) -> Document:
    """The operation without what only we read, its roles said in words (only OAuth may carry scopes)."""
    roles = [entry["jwt"][0] for entry in operation.get("security", []) if entry.get("jwt")]
    public = {key: value for key, value in operation.items() if not key.startswith("x-")}
    public["parameters"] = [*item.get("parameters", []), *operation.get("parameters", [])]
    public["operationId"] = operation["operationId"].removeprefix("services.")
    public["summary"] = operation.get("summary", "").removesuffix(".")
    public["tags"] = [_tag(operation, service)]
    public["security"] = [{"jwt": []} if entry else {} for entry in operation.get("security", [])]
    who = f"Role: {roles[0]}." if roles else "Anyone."
    if event_role := operation.get("x-event-role"):
        others = operation.get("x-or", [])
        who += f" Needs the event role {event_role} or higher" + (
            f", or to be {' or '.join(others)}." if others else "."
        )
    public["description"] = f"{operation.get('description', '').strip()}\n\n{who}".strip()
    return public


def _add(paths: Document, path: str, method: str, operation: Document) -> None:
    shape = re.sub(r"\{[^}]+\}", "{}", path)
    twin = next((known for known in paths if re.sub(r"\{[^}]+\}", "{}", known) == shape), None)
    if twin is None:
        paths[path] = {method: operation}
    elif method not in paths[twin]:
        paths[twin][method] = _renamed(operation, path, twin)
    else:
        paths[twin][method] = _either(paths[twin][method], operation)


def _renamed(operation: Document, path: str, twin: str) -> Document:
    names = dict(zip(re.findall(r"\{([^}]+)\}", path), re.findall(r"\{([^}]+)\}", twin), strict=True))
    for parameter in operation["parameters"]:
        if parameter.get("in") == "path":
            parameter["name"] = names.get(parameter["name"], parameter["name"])
    return operation


def _either(first: Document, second: Document) -> Document:
    """One operation that says: depending on the parameter, this or that."""
    for parameter in first["parameters"]:
        if parameter.get("in") == "path":
            parameter["schema"] = {"type": "string"}
    first["tags"] += [tag for tag in second["tags"] if tag not in first["tags"]]
    first["description"] += f"\n\nOr, by another kind of identifier: {second['summary']}. {second['description']}"
    for status, answer in second.get("responses", {}).items():
        known = first["responses"].setdefault(status, answer)
        for media_type, content in answer.get("content", {}).items():
            known.setdefault("content", {}).setdefault(media_type, content)
    return first


def _prefixed(node: Any, service: str) -> Any:
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            return {"$ref": re.sub(r"^(#/components/[^/]+/)", rf"\g<1>{service}.", reference)}
        return {key: _prefixed(value, service) for key, value in node.items()}
    if isinstance(node, list):
        return [_prefixed(value, service) for value in node]
    return node


PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Stagedoor API</title><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css"><link rel="icon" href="data:,"></head>
<body><div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script><script src="/docs/assets/start.js"></script>
</body></html>
"""
START = """SwaggerUIBundle({
  url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, docExpansion: 'none', filter: true
});
"""


def assets() -> dict[str, tuple[str, bytes]]:
    """The documentation page and what it loads: path to media type and bytes. Nothing comes from another host."""
    import swagger_ui_bundle

    folder = Path(swagger_ui_bundle.swagger_ui_path)
    page = ("text/html; charset=utf-8", PAGE.encode())
    return {
        "/docs": page,
        "/docs/": page,
        "/docs/assets/start.js": ("text/javascript", START.encode()),
        "/docs/assets/swagger-ui.css": ("text/css", (folder / "swagger-ui.css").read_bytes()),
        "/docs/assets/swagger-ui-bundle.js": ("text/javascript", (folder / "swagger-ui-bundle.js").read_bytes()),
    }
