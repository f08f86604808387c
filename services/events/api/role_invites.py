"""Invitations to a team. The token is in the mail only; whoever accepts is logged in with the invited address."""

from typing import Any

import flask
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.idempotency import answered
from chassis.jsonapi import Resource
from chassis.responses import JSON, respond
from services.events import invitations, queries
from services.events.api.events import events
from services.events.api.of_event import SPEC, requires
from services.events.models import RoleInvite

role_invites = Resource(
    "role-invite",
    RoleInvite,
    spec=SPEC,
    visible=queries.runs(RoleInvite.event_id),
    computed={"hash": lambda _: None},
    may_delete=invitations.check_deletion,
)

get_role_invite, delete_role_invite = role_invites.fetch, role_invites.delete
list_role_invites_of_event = events.fetch_related("role-invites", may=requires("coorganizer"))
get_event_of_role_invite = role_invites.fetch_related("event")
get_role_of_role_invite = role_invites.fetch_related("role")


def create_role_invite(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """POST: invites an address, and mails it the link."""
    incoming = role_invites.read(body)

    def work(db: Session) -> flask.Response:
        invite = invitations.invite(db, token_info, incoming.values, incoming.related)
        document = role_invites.document(db, invite, token_info)
        return answered(db, document, 201, {"Location": role_invites.location(invite)})

    return run(work)


def resend_role_invite(id_: str, token_info: Claims) -> flask.Response:
    """The mail once more, with a new token; the old one ends."""

    def work(db: Session) -> flask.Response:
        invite = role_invites.find(db, id_, token_info, lock=True)
        invitations.resend(db, token_info, invite)
        return answered(db, {"success": True}, media_type=JSON)

    return run(work)


def get_invited(body: dict[str, Any]) -> flask.Response:
    """Whom a token invites, so that a client can offer the right login."""
    with transaction() as db:
        invite = invitations.of_token(db, body["data"]["token"])
        return respond({"email": invite.email}, media_type=JSON)


def accept_role_invite(body: dict[str, Any], token_info: Claims) -> flask.Response:
    """Takes the invitation."""

    def work(db: Session) -> flask.Response:
        invite, event = invitations.accept(db, token_info, body["data"]["token"])
        return answered(
            db,
            {
                "email": invite.email,
                "event": event.id,
                "event_identifier": event.identifier,
                "name": event.name,
                "role": invite.role_name,
            },
            media_type=JSON,
        )

    return run(work)
