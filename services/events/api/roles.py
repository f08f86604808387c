"""Roles as they can be given. The built-in ones stay."""

from typing import Any

from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.errors import Unprocessable
from chassis.jsonapi import Resource
from services.events.api.of_event import SPEC
from services.events.domain.roles import NAMES
from services.events.models import Role


def _before_update(_db: Session, _claims: Claims, row: Role, values: dict[str, Any], _related: Any) -> None:
    if row.id in NAMES and values.get("name", row.name) != row.name:
        raise _built_in(row)


def _may_delete(_db: Session, _claims: Claims, row: Role) -> None:
    if row.id in NAMES:
        raise _built_in(row)


def _built_in(row: Role) -> Unprocessable:
    return Unprocessable(f"The role {row.name} is built in; its name stays.", code="role-built-in")


roles = Resource("role", Role, spec=SPEC, before_update=_before_update, may_delete=_may_delete)

list_roles, get_role = roles.fetch_page, roles.fetch
create_role, update_role, delete_role = roles.create, roles.update, roles.delete
