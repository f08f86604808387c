"""Lists that two or more types of this service have: of an event, and of a user."""

from collections.abc import Callable
from typing import Any

import flask
from sqlalchemy import ColumnElement

from chassis.auth import Claims
from chassis.db import transaction
from chassis.errors import Forbidden
from chassis.jsonapi import Resource, tagged
from services.orders.domain.policy import Operation
from services.orders.queries import access


def list_of_event(
    resource: Resource[Any], event: str, claims: Claims, operation: Operation, *where: ColumnElement[bool]
) -> flask.Response:
    """What belongs to an event, for those to whom the policy allows the operation there. Raises NotFound, Forbidden."""
    event_id = access.event_id_of(event)
    access.require_in_event(operation, event_id, claims)
    with transaction() as db:
        return tagged(resource.page(db, claims, resource.model.event_id == event_id, *where))


def list_of_user(
    resource: Resource[Any], user_id: str, claims: Claims, theirs: Callable[[int, str], ColumnElement[bool]]
) -> flask.Response:
    """What is a user's, by number or by verified address: `theirs(user_id, email)`. Raises Forbidden for others."""
    if int(user_id) != claims.user_id and not claims.is_admin:
        raise Forbidden("This list is somebody else's.", code="not-allowed")
    with transaction() as db:
        email = access.address_of_user(db, int(user_id), claims)
        return tagged(resource.page(db, claims, theirs(int(user_id), email)))
