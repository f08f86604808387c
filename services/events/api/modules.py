"""Modules: which parts of the platform are on. One record, whatever id is asked."""

from typing import Any, NoReturn

from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.errors import MethodNotAllowed
from chassis.jsonapi import Resource
from services.events.api.of_event import SPEC
from services.events.api.only_one import OnlyOne
from services.events.models import Module


def _raise_version(_db: Session, _claims: Claims, row: Module, values: dict[str, Any], _related: Any) -> None:
    for name in [name for name, value in values.items() if value is None]:
        del values[name]
    row.version += 1


modules = Resource("module", Module, spec=SPEC, before_update=_raise_version)
_one = OnlyOne(modules)
get_modules, get_module = _one.get, _one.get_any
update_modules, update_module = _one.update, _one.update_any


def refuse_modules(body: Any = None) -> NoReturn:
    """POST is not possible."""
    raise MethodNotAllowed("There is one record of modules; change it with PATCH.", headers={"Allow": "GET, PATCH"})


def refuse_modules_deletion() -> NoReturn:
    """DELETE is not possible."""
    refuse_modules()


def refuse_module_deletion(id_: str) -> NoReturn:
    """DELETE with any id is not possible."""
    refuse_modules()
