"""Spec in, Connexion app out; every failure leaves as JSON:API errors.

Connexion routes, validates and calls; what we replace is named here: the security step (it also knows optional logins,
in which a bad token is still refused), validation (built once, jsonschema-rs), the way into Flask (one hop) and the
arguments of handlers (worked out once). The Swagger page is the gateway's.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from traceback import extract_tb
from typing import Any, cast

import flask
import orjson
import psycopg
from connexion import FlaskApp
from connexion.context import context as connexion_context
from connexion.exceptions import ProblemException
from connexion.jsonifier import Jsonifier
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from connexion.middleware import ConnexionMiddleware
from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
from connexion.middleware.request_validation import RequestValidationMiddleware
from connexion.middleware.response_validation import ResponseValidationMiddleware
from connexion.middleware.security import SecurityMiddleware
from connexion.middleware.swagger_ui import SwaggerUIMiddleware
from connexion.operations import AbstractOperation
from sqlalchemy import MetaData
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis import context, idempotency, jsonapi, spec
from chassis.auth import Claims, Requirement
from chassis.calling import handling
from chassis.errors import KINDS, BadRequest, Conflict, DomainError, NotFound
from chassis.front import Front
from chassis.readiness import Checks
from chassis.responses import JSON_API, error_document, respond
from chassis.validation import InvalidBody, Validation
from chassis.wsgi import OneHop

log = logging.getLogger(__name__)


class InternalError(DomainError):
    """What a caller learns of a mistake of ours: nothing but the request id."""

    status, title, code = 500, "Internal Server Error", "internal-error"


def create_app(
    name: str,
    spec_path: Path,
    checks: Checks,
    *,
    threads: int = 8,
    waiting_threads: int = 32,
    slow_seconds: float = 1.0,
    metadata: MetaData | None = None,
) -> Front:
    """The HTTP application of a service. Fails when an operation does not say who may call it, or when a resource of the
    service (of all services without `metadata`) is declared wrongly.
    """
    document = spec.load(spec_path)
    middlewares: list[Any] = []
    for middleware in ConnexionMiddleware.default_middlewares:
        if middleware is SecurityMiddleware:
            middlewares.append(Guard)
        elif middleware is RequestValidationMiddleware:
            middlewares.append(Validation)
        elif middleware not in (ResponseValidationMiddleware, SwaggerUIMiddleware):
            middlewares.append(middleware)
    app = FlaskApp(
        name,
        middlewares=middlewares,
        jsonifier=Jsonifier(orjson_module),
        pythonic_params=True,
    )
    app.add_api(document)
    jsonapi.prepare(metadata)
    _answer_errors(app)
    app.middleware.app, app.middleware.middleware_stack = app.middleware._build_middleware_stack()
    _call_handlers(app, document)
    waiting = [each["operationId"] for _, _, each in spec.operations(document) if each.get("x-waits")]
    app._middleware_app.asgi_app = OneHop(app.app.wsgi_app, threads, waiting=waiting, waiting_threads=waiting_threads)
    return Front(cast(ASGIApp, app), checks, slow_seconds=slow_seconds)


class orjson_module:  # noqa: N801 (Connexion's Jsonifier takes a module)
    """orjson in the shape of the json module, as Jsonifier calls it."""

    @staticmethod
    def dumps(data: Any, **_: Any) -> str:
        """One line of JSON."""
        return orjson.dumps(data).decode()

    loads = staticmethod(orjson.loads)


class GuardedOperation:
    """Checks the caller of one operation, then passes the request on with the claims in Connexion's context."""

    def __init__(self, next_app: ASGIApp, operation: AbstractOperation) -> None:
        self.next_app = next_app
        try:
            self.requirement = Requirement.of(operation.security)
        except ValueError as error:
            raise ValueError(f"{operation.method} {operation.path}: {error}") from None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        header = dict(scope["headers"]).get(b"authorization")
        claims = self.requirement.check(header.decode("latin-1") if header else None)
        context.token.set(claims.token if claims else "")
        ConnexionRequest(scope).context.update({"user": claims and str(claims.user_id), "token_info": claims})
        await self.next_app(scope, receive, send)


class GuardApi(RoutedAPI[GuardedOperation]):
    """The guarded operations of one specification."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_paths()

    def make_operation(self, operation: AbstractOperation) -> GuardedOperation:
        """One operation with what its `security` asks for."""
        return GuardedOperation(self.next_app, operation)


class Guard(RoutedMiddleware[GuardApi]):
    """Takes the place of Connexion's SecurityMiddleware."""

    api_cls = GuardApi


def _call_handlers(app: FlaskApp, document: Mapping[str, Any]) -> None:
    """Flask calls our views (`chassis.calling`); Connexion would build its own anew for every request."""
    declared = {operation["operationId"]: (path, operation) for _, path, operation in spec.operations(document)}
    for endpoint, view in app.app.view_functions.items():
        if (operation_id := getattr(view, "operation_id", None)) is not None:
            path, operation = declared[operation_id]
            app.app.view_functions[endpoint] = handling(
                view._fn,
                operation,
                spec.parameters(document, path, operation),
                answers_json_api=spec.answered_media(document, operation) == {JSON_API},
            )


def _answer_errors(app: FlaskApp) -> None:
    inside = app.app
    inside.before_request(_begin)
    inside.after_request(_keep)
    inside.register_error_handler(DomainError, _refuse_inside)
    inside.register_error_handler(InvalidBody, _refuse_inside)
    inside.register_error_handler(idempotency.Replay, _replay)
    for kind in (DomainError, InvalidBody, ProblemException, StarletteHTTPException, Exception):
        app.add_error_handler(kind, _refuse_outside)


def _begin() -> flask.Response | None:
    if flask.request.routing_exception is not None:  # no such path or method: Flask refuses next
        return None
    try:
        claims: Claims | None = connexion_context.get("token_info")
    except RuntimeError:
        # Flask takes a line break in a path, Connexion's router does not: nobody has looked at the caller.
        raise NotFound("There is nothing under this path.") from None
    return idempotency.begin(str(claims.user_id) if claims else "-")


def _keep(answer: flask.Response) -> flask.Response:
    idempotency.keep_refusal(answer)
    return answer


def _refuse_inside(error: Exception) -> flask.Response:
    """A refusal; but where an equal request was answered meanwhile (it took what we found taken), that answer."""
    return idempotency.replayed() or _answer(error)


def _replay(_: Exception) -> flask.Response:
    return idempotency.replayed() or _answer(
        Conflict("An equal request is being worked on.", code="in-progress", headers={"Retry-After": "1"})
    )


def _answer(error: Exception) -> flask.Response:
    status, document, headers = describe(error)
    return respond(document, status, headers)


def _refuse_outside(_: ConnexionRequest, error: Exception) -> ConnexionResponse:
    status, document, headers = describe(error)
    return ConnexionResponse(status, content_type=JSON_API, body=orjson.dumps(document), headers=dict(headers))


def describe(error: Exception) -> tuple[int, dict[str, Any], Mapping[str, str]]:
    """Status, JSON:API error document and headers of any failure. Mistakes of ours are logged and say nothing."""
    if isinstance(error, InvalidBody):
        return error.problems[0].status, error_document(error.problems), {}
    refusal = error if isinstance(error, DomainError) else _translate(error)
    return refusal.status, error_document([refusal]), refusal.headers


def _translate(error: Exception) -> DomainError:
    status = getattr(error, "status", None) or getattr(error, "status_code", None)
    detail = str(getattr(error, "detail", "") or "")
    if isinstance(error, ProblemException | StarletteHTTPException) and isinstance(status, int) and status in KINDS:
        return KINDS[status](detail or KINDS[status].title)
    if isinstance(error, ProblemException | StarletteHTTPException) and isinstance(status, int) and 400 <= status < 500:
        return BadRequest(detail or "The request cannot be understood.")
    if _is_about_a_value(error):
        trace = [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)]
        fields = {"kind": type(error).__name__, "statement": getattr(error, "statement", None), "trace": trace}
        log.warning("a value the database cannot take", extra=fields)
        return BadRequest("A value in this request is none that can be stored or looked for.", code="value-impossible")
    log.error("unexpected failure", exc_info=error)
    request_id = context.request_id.get()
    return InternalError(f"Something went wrong on our side. Please quote request id {request_id}.")


def _is_about_a_value(error: BaseException) -> bool:
    """Whether the database says that a value cannot be: a NUL, a number or a time beyond its type. What it says holds the value.

    Checks of ours come first and say more; this is what they forgot. To divide by zero is our mistake.
    """
    cause = getattr(error, "orig", error)
    return isinstance(cause, psycopg.DataError) and not isinstance(cause, psycopg.errors.DivisionByZero)
