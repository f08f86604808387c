"""Who is asking, and what they are in an event: from the replica, and on a miss from events."""

from collections.abc import Set as AbstractSet

from chassis.auth import Claims
from chassis.db import transaction
from chassis.errors import NotFound
from services.tickets import clients, commands, queries
from services.tickets.domain.policy import Person


def person(claims: Claims) -> Person:
    """The caller, as rules know people."""
    return Person(claims.user_id, claims.email, claims.is_verified, claims.is_admin)


def roles_of(who: Person, event_id: int) -> AbstractSet[str]:
    """Raises Unavailable when neither the replica nor events can tell."""
    if who.is_admin:
        return frozenset()  # admins pass without
    with transaction() as db:
        known = queries.roles_in_event(db, event_id, who.user_id)
    if known is not None:
        return known
    try:
        role = clients.fetch_roles(event_id, who.user_id)
    except NotFound:
        return frozenset()
    if role.id:
        with transaction() as db:
            commands.keep_role(db, role)
    return frozenset(role.roles)
