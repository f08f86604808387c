"""The team of an event: one row per person and role."""

from typing import Any

import flask
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.db import run
from chassis.errors import Forbidden
from chassis.idempotency import answered
from chassis.jsonapi import Resource
from services.events import commands, queries
from services.events.api.events import events
from services.events.api.of_event import SPEC, requires
from services.events.domain.roles import ORGANIZER, OWNER
from services.events.models import UsersEventsRoles

users_events_roles = Resource(
    "users-events-roles",
    UsersEventsRoles,
    spec=SPEC,
    path="/v1/users-events-roles",
    visible=queries.runs(UsersEventsRoles.event_id),
)

get_users_events_roles = users_events_roles.fetch
list_roles_of_event = events.fetch_related("roles", may=requires("coorganizer"))
list_users_events_roles_of_event = events.fetch_related("roles", may=requires("coorganizer"))
get_event_of_users_events_roles = users_events_roles.fetch_related("event")
get_user_of_users_events_roles = users_events_roles.fetch_related("user")
get_role_of_users_events_roles = users_events_roles.fetch_related("role")


def update_users_events_roles(id_: str, body: dict[str, Any], token_info: Claims) -> flask.Response:
    """PATCH of the role. Organizers only; ownership is never given or taken this way."""
    incoming = users_events_roles.read(body, partial=True)

    def work(db: Session) -> flask.Response:
        held = users_events_roles.find(db, id_, token_info, lock=True)
        users_events_roles.require_unchanged(db, held, token_info)
        role_id = incoming.related.get("role", held.role_id)
        if role_id != held.role_id:
            _check_change(db, token_info, held, role_id)
            commands.change_role(db, held, role_id)
        return answered(db, users_events_roles.document(db, held, token_info))

    return run(work)


def _check_change(db: Session, claims: Claims, held: UsersEventsRoles, role_id: int | None) -> None:
    queries.require(db, claims, held.event_id, "organizer")
    if OWNER in (held.role_id, role_id):
        raise Forbidden("An event changes its owner by an invitation only.", code="owner-fixed")


def delete_users_events_roles(id_: str, token_info: Claims) -> flask.Response:
    """DELETE. The owner stays; only organizers take away an organizer's role."""

    def work(db: Session) -> flask.Response:
        held = users_events_roles.find(db, id_, token_info, lock=True)
        if held.role_id == OWNER:
            raise Forbidden("The owner of an event cannot be removed.", code="owner-fixed")
        is_own = held.user_id == token_info.user_id
        queries.require(
            db, token_info, held.event_id, "coorganizer" if is_own or held.role_id != ORGANIZER else "organizer"
        )
        users_events_roles.require_unchanged(db, held, token_info)
        commands.take_role(db, held)
        return answered(db, {"meta": {"message": "The role was taken away."}, "jsonapi": {"version": "1.0"}})

    return run(work)
