"""Requests against the specification, with everything built once; jsonschema-rs checks the bodies.

OpenAPI 3.0 is not JSON Schema: `nullable` becomes a type, and attributes that are `readOnly` are not looked at at all,
since existing clients send back everything that they once read.

A NUL character is refused here for all: PostgreSQL cannot store it, nor look for it. Bodies that are not JSON may hold any byte.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs
import orjson
from connexion.exceptions import TypeValidationError
from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
from connexion.operations import AbstractOperation
from connexion.validators import ParameterValidator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.errors import BadRequest, DomainError, Unprocessable, UnsupportedMediaType

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


class BodyValidator:
    """A compiled schema. Raises InvalidBody (422) with pointers to the values, or BadRequest (400) for what is not JSON."""

    def __init__(self, schema: Mapping[str, Any], *, is_required: bool) -> None:
        # Connexion adds the components of the whole document.
        own = {key: value for key, value in schema.items() if key != "components"}
        self._schema = jsonschema_rs.Draft4Validator(as_json_schema(own), validate_formats=True)
        self._is_required = is_required

    def check(self, content: bytes) -> None:
        """Returns when the body is what the specification says."""
        if not content:
            if self._is_required:
                raise BadRequest("The request needs a JSON body.", code="body-missing")
            return
        try:
            body = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"The body is not valid JSON: {error}.", code="malformed-json") from None
        self._refuse_invalid(body)
        # There is no other way to write a NUL in JSON.
        if b"\\u0000" in content and (pointer := _nul_in(body)) is not None:
            raise Unprocessable(
                f"A text cannot contain a NUL character (at {pointer or 'the body'}).",
                code="value-invalid",
                source={"pointer": pointer},
            )

    def _refuse_invalid(self, body: Any) -> None:
        try:
            if self._schema.is_valid(body):
                return
            problems = [_problem(error) for error in islice(self._schema.iter_errors(body), MAX_PROBLEMS)]
        except ValueError:  # jsonschema-rs copies what is wrong into its errors, 255 levels at most
            raise Unprocessable("The body is nested too deep.", code="invalid", source={"pointer": ""}) from None
        raise InvalidBody(problems)


def _nul_in(body: Any) -> str | None:
    """The pointer of a text, or of an object with a name, that contains a NUL character."""
    waiting = [("", body)]
    while waiting:
        pointer, value = waiting.pop()
        if isinstance(value, str) and "\x00" in value:
            return pointer
        if isinstance(value, dict):
            if any("\x00" in name for name in value):
                return pointer
            waiting.extend((f"{pointer}/{name}", each) for name, each in value.items())
        elif isinstance(value, list):
            waiting.extend((f"{pointer}/{index}", each) for index, each in enumerate(value))
    return None


def refuse_nul(path: str, query: bytes) -> None:
    """Raises BadRequest (400) for an address that contains a NUL character."""
    sentence = "An address cannot contain a NUL character."
    if "\x00" in path:
        raise BadRequest(sentence, code="parameter-invalid")
    if b"%00" in query:
        named = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        name = next((name for name, value in named if "\x00" in value), "")
        raise BadRequest(sentence, code="parameter-invalid", source={"parameter": name})


def _problem(error: Any) -> DomainError:
    pointer = "".join(f"/{step}" for step in error.instance_path)
    return Unprocessable(f"{error.message} (at {pointer or 'the body'})", code="invalid", source={"pointer": pointer})


class Parameters(ParameterValidator):
    """Connexion's checks of parameters, with schemas compiled once and refusals of one sentence that name the parameter."""

    def __init__(self, parameters: Sequence[Mapping[str, Any]], uri_parser: Any) -> None:
        super().__init__(parameters, uri_parser=uri_parser, strict_validation=False)
        self._schemas = {
            (each["in"], each["name"]): jsonschema_rs.Draft4Validator(
                as_json_schema(each.get("schema", {})), validate_formats=True
            )
            for each in parameters
        }

    def validate(self, scope: Scope) -> None:
        """Raises BadRequest (400)."""
        if not self._schemas:
            return
        try:
            super().validate(scope)
        except TypeValidationError as error:
            name = str(error.detail).rpartition("parameter ")[2].strip("'")
            raise BadRequest(f"{error.detail}.", code="parameter-invalid", source={"parameter": name}) from None
        except (TypeError, ValueError, RecursionError):  # names in brackets that contradict each other, or go on and on
            raise BadRequest("The query string cannot be understood.", code="parameter-invalid") from None

    def validate_parameter(self, parameter_type: str, value: Any, param: Mapping[str, Any]) -> None:
        """Raises BadRequest (400) for a value that is missing or not what the specification says."""
        name = param["name"]
        if value is None:
            if not param.get("required"):
                return
            sentence = f"Missing {parameter_type} parameter '{name}'."
        else:
            schema = self._schemas[parameter_type, name]
            if schema.is_valid(value):
                return
            sentence = f"{next(iter(schema.iter_errors(value))).message} ({name})."
        source = {"header" if parameter_type == "header" else "parameter": name}
        raise BadRequest(sentence, code="parameter-invalid", source=source)


class ValidatedOperation:
    """Checks parameters, media type and body of one operation, then passes the request on.

    Connexion's own step builds its validators anew for every request; here they are built once per operation.
    """

    def __init__(self, next_app: ASGIApp, operation: AbstractOperation) -> None:
        self.next_app = next_app
        parser = operation.uri_parser_class(operation.parameters, operation.body_definition())
        self._parameters = Parameters(operation.parameters, parser)
        request_body = operation.request_body
        self._is_required = bool(request_body.get("required", False))
        self._media_types = list(request_body.get("content", {}))
        self._bodies = {
            media_type: BodyValidator(operation.body_schema(media_type), is_required=self._is_required)
            for media_type in self._media_types
            if media_type.endswith("json") and operation.body_schema(media_type)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refuse_nul(scope["path"], scope["query_string"])
        self._parameters.validate(scope)
        if self._media_types:
            receive = await self._check_body(scope, receive)
        await self.next_app(scope, receive, send)

    async def _check_body(self, scope: Scope, receive: Receive) -> Receive:
        content = await read_body(receive)
        header: bytes = dict(scope["headers"]).get(b"content-type", b"")
        media_type = header.decode("latin-1").partition(";")[0].strip().lower()
        if media_type not in self._media_types:
            if content or self._is_required:
                raise UnsupportedMediaType(
                    f"Content-Type must be {' or '.join(self._media_types)}, not {media_type or 'missing'}."
                )
        elif media_type in self._bodies:
            self._bodies[media_type].check(content)
        return replayed(content)


class ValidationApi(RoutedAPI[ValidatedOperation]):
    """The validated operations of one specification."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_paths()

    def make_operation(self, operation: AbstractOperation) -> ValidatedOperation:
        """One operation with its validators."""
        return ValidatedOperation(self.next_app, operation)


class Validation(RoutedMiddleware[ValidationApi]):
    """Takes the place of Connexion's RequestValidationMiddleware."""

    api_cls = ValidationApi


async def read_body(receive: Receive) -> bytes:
    """The whole body; its size is bounded before it gets here (`chassis.front`)."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(chunks)
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def replayed(content: bytes) -> Receive:
    """A channel that gives this body once more."""

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    return receive
