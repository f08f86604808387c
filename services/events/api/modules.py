"""Modules: which parts of the platform are on. One record, whatever id is asked."""

from typing import Any, NoReturn

import flask
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.errors import MethodNotAllowed
from chassis.jsonapi import Resource
from services.events.api.of_event import SPEC
from services.events.models import Module

THE_ONE = "1"


def _raise_version(_db: Session, _claims: Claims, row: Module, values: dict[str, Any], _related: Any) -> None:
    for name in [name for name, value in values.items() if value is None]:
        del values[name]
    row.version += 1


modules = Resource("module", Module, spec=SPEC, before_update=_raise_version)


def get_modules(token_info: Claims | None = None) -> flask.Response:
    """GET without an id."""
    return modules.fetch(token_info=token_info, id=THE_ONE)


def get_module(id_: str, token_info: Claims | None = None) -> flask.Response:
    """GET with any id."""
    return get_modules(token_info)


def update_modules(body: Any = None, token_info: Claims | None = None) -> flask.Response:
    """PATCH without an id in the path; that of the body is whatever the client thinks."""
    body = {**body, "data": {**body["data"], "id": THE_ONE}}
    return modules.update(body=body, token_info=token_info, id=THE_ONE)


def update_module(id_: str, body: Any = None, token_info: Claims | None = None) -> flask.Response:
    """PATCH with any id."""
    return update_modules(body, token_info)


def refuse_modules(body: Any = None) -> NoReturn:
    """POST is not possible."""
    raise MethodNotAllowed("There is one record of modules; change it with PATCH.", headers={"Allow": "GET, PATCH"})


def refuse_modules_deletion() -> NoReturn:
    """DELETE is not possible."""
    refuse_modules()


def refuse_module_deletion(id_: str) -> NoReturn:
    """DELETE with any id is not possible."""
    refuse_modules()
