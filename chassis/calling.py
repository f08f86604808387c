"""The last step before a handler: its arguments, by what the specification declares. Worked out once per operation.

Connexion works out anew for every request what a handler takes, and reads the body as a form, as files and as JSON: a sixth of a
request (measured, docs/performance.md). Our handlers take path parameters, strings from the query, a JSON body and the
caller, and answer with Flask's responses.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flask
import orjson
from connexion.context import context
from connexion.decorators.parameter import pythonic

from chassis.errors import BadRequest
from chassis.jsonapi.media import negotiate


def handling(
    function: Callable[..., Any],
    operation: Mapping[str, Any],
    parameters: Sequence[Mapping[str, Any]],
    *,
    answers_json_api: bool,
) -> Any:
    """A Flask view that calls `function` with what it takes of the operation's (resolved) parameters, its body, and
    `token_info`, the caller's claims.

    Who does not accept JSON:API is refused (406) before anything is done, where nothing else is answered. Plain JSON is answered
    whatever the header says: existing clients ask for JSON:API there too. Raises TypeError where the function takes
    something of the query that is not a string.
    """
    taken = frozenset(inspect.signature(function).parameters)
    names = [each["name"] for each in parameters if each["in"] == "path"]
    renamed = {name.replace("-", "_"): pythonic(name) for name in names}  # Flask's variables have no dashes
    queries = [_query(each) for each in parameters if each["in"] == "query" and pythonic(each["name"]) in taken]
    wants_body = "body" in taken and "requestBody" in operation
    wants_caller = "token_info" in taken

    def view(**path: Any) -> Any:
        if answers_json_api:
            negotiate(flask.request.headers.get("Accept"))
        arguments = {renamed[name]: value for name, value in path.items()}
        for name, argument, default in queries:
            given = flask.request.args.getlist(name)
            if given or default is not None:
                arguments[argument] = given[-1] if given else default
        if wants_body:
            arguments["body"] = _body()
        if wants_caller:
            arguments["token_info"] = context.get("token_info")
        return function(**arguments)

    return view


def _query(parameter: Mapping[str, Any]) -> tuple[str, str, str | None]:
    schema = parameter["schema"]
    if schema.get("type") != "string":
        raise TypeError(f"handlers take strings of the query; {parameter['name']} is none")
    return parameter["name"], pythonic(parameter["name"]), schema.get("default")


def _body() -> Any:
    """The JSON of the request; an empty object where an optional body is missing. It was validated before."""
    content = flask.request.get_data()
    try:
        body = orjson.loads(content) if content else None
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.", code="malformed-json") from None
    return {} if body is None else body
