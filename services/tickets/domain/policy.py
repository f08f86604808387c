"""Who may have which ticket. A buyer and whoever runs the event have them all, an attendee the own ones."""

from collections.abc import Collection
from dataclasses import dataclass

RUNS_EVENT = frozenset(("owner", "organizer", "coorganizer"))
WORKS_AT_DOOR = RUNS_EVENT | {"registrar"}


@dataclass(frozen=True)
class Person:
    """Who asks, as the verified token says it."""

    user_id: int
    email: str
    is_verified: bool
    is_admin: bool


def holds(person: Person, address: str) -> bool:
    """Whose a ticket is says the address on it, if its owner has proved it: anybody can sign up with anybody's.

    The user id that comes along with a holder was found by the address: it says nothing more, and may be older than a proof.
    """
    return person.is_verified and bool(address) and address.lower() == person.email.lower()


def owns_order(person: Person, buyer_id: int) -> bool:
    """Server admins pass every check."""
    return person.is_admin or (buyer_id != 0 and buyer_id == person.user_id)


def runs_event(person: Person, roles: Collection[str]) -> bool:
    """Co-organizer or higher."""
    return person.is_admin or not RUNS_EVENT.isdisjoint(roles)


def works_at_door(person: Person, roles: Collection[str]) -> bool:
    """Whoever runs the event, and registrars."""
    return person.is_admin or not WORKS_AT_DOOR.isdisjoint(roles)
