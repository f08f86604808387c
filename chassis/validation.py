"""Request bodies against the specification: jsonschema-rs inside Connexion's validator interface.

OpenAPI 3.0 is not JSON Schema: `nullable` becomes a type, and attributes that are `readOnly` are not looked at at all,
since existing clients send back everything that they once read.
"""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import orjson
from connexion.validators.json import JSONRequestBodyValidator
from starlette.types import Scope

from chassis.errors import BadRequest, DomainError, Unprocessable

MAX_PROBLEMS = 10


class InvalidBody(Exception):
    """Several problems at once: each becomes one error object."""

    def __init__(self, problems: list[DomainError]) -> None:
        super().__init__(problems[0].detail)
        self.problems = problems


def as_json_schema(schema: Any) -> Any:
    """The JSON Schema (draft 4) that an OpenAPI 3.0 schema means for a request."""
    if isinstance(schema, list):
        return [as_json_schema(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    if schema.get("readOnly") is True:
        return {}
    meant = {key: as_json_schema(value) for key, value in schema.items() if not str(key).startswith("x-")}
    if meant.pop("nullable", False):
        if isinstance(meant.get("type"), str):
            meant["type"] = [meant["type"], "null"]
        if isinstance(meant.get("enum"), list) and None not in meant["enum"]:
            meant["enum"] = [*meant["enum"], None]
    for annotation in ("example", "discriminator", "xml", "externalDocs", "deprecated", "writeOnly", "readOnly"):
        if not isinstance(meant.get(annotation), dict):
            meant.pop(annotation, None)
    return meant


class BodyValidator(JSONRequestBodyValidator):
    """Connexion's JSON body validator with a compiled schema. Problems leave as 422 with a pointer to the value."""

    _compiled: dict[int, tuple[Any, Any]] = {}  # noqa: RUF012 (one cache for all instances is the point)

    def __init__(self, *, schema: dict[str, Any], **rest: Any) -> None:
        super().__init__(schema=schema, **rest)
        found = self._compiled.get(id(schema))
        if found is None:
            found = (schema, jsonschema_rs.Draft4Validator(as_json_schema(schema), validate_formats=True))
            self._compiled[id(schema)] = found
        self._rust = found[1]

    async def _parse(self, stream: Any, scope: Scope) -> Any:
        body = b"".join([message async for message in stream])
        if not body:
            return None
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"The body is not valid JSON: {error}.", code="malformed-json") from None

    def _validate(self, body: Any) -> None:
        if body is None:
            if self._nullable or not self._required:
                return
            raise BadRequest("The request needs a JSON body.", code="body-missing")
        if self._rust.is_valid(body):
            return
        problems: list[DomainError] = []
        for error in self._rust.iter_errors(body):
            pointer = "/" + "/".join(str(step) for step in error.instance_path) if error.instance_path else ""
            problems.append(
                Unprocessable(
                    f"{error.message} (at {pointer or 'the body'})", code="invalid", source={"pointer": pointer}
                )
            )
            if len(problems) == MAX_PROBLEMS:
                break
        raise InvalidBody(problems)
