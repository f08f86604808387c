"""Who may: Stripe authorizations belong to those who run the event as organizer or owner."""

from collections.abc import Collection

ORGANIZER_AND_UP = frozenset({"owner", "organizer"})


def may_link_stripe(roles: Collection[str], *, is_admin: bool) -> bool:
    """Whether somebody with these roles in the event may link, see in full, change or remove its Stripe account."""
    return is_admin or not ORGANIZER_AND_UP.isdisjoint(roles)
