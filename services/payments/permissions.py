"""Who is asking, as far as an event is concerned: the replica of roles, and events itself where the replica knows nothing."""

from chassis import db
from chassis.auth import Claims
from chassis.errors import Forbidden
from services.payments import queries
from services.payments.clients import events
from services.payments.commands.roles import keep_role
from services.payments.domain.policy import may_link_stripe


def require_organizer(event_id: int, claims: Claims) -> None:
    """Raises Forbidden unless the caller runs the event; Unavailable when events has to be asked and does not answer.

    An entrance: opens its own transactions, and may call events between them.
    """
    if claims.is_admin or may_link_stripe(_roles(event_id, claims.user_id), is_admin=False):
        return
    raise Forbidden(
        "Only an organizer or the owner of the event may do this.",
        code="event-role-required",
        meta={"role": "organizer"},
    )


def _roles(event_id: int, user_id: int) -> list[str]:
    with db.transaction() as session:
        known = queries.known_roles(session, event_id, user_id)
    if known is not None:
        return known
    role = events.get_roles(event_id, user_id)
    if role.id:
        with db.transaction() as session:
            keep_role(session, role)
    return list(role.roles)
