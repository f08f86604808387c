"""Who may do what to whom, and which attributes of a user are whose to set."""

from collections.abc import Mapping
from typing import Any, Protocol

from chassis.errors import Forbidden

ADMINS_SET = frozenset({"is_verified", "is_blocked", "is_sales_admin", "is_marketer"})
SUPER_ADMINS_SET = frozenset({"is_admin"})
NOBODY_SETS = frozenset({"password", "was_registered_with_order"})  # passwords have endpoints of their own


RANKS = ("user", "admin", "super-admin")


class Caller(Protocol):
    """The part of a login that decides what somebody may do."""

    @property
    def user_id(self) -> int: ...
    @property
    def role(self) -> str: ...
    @property
    def is_admin(self) -> bool: ...
    @property
    def is_super_admin(self) -> bool: ...
    @property
    def is_fresh(self) -> bool: ...


class Target(Protocol):
    """The part of a user that decides who may change it."""

    @property
    def id(self) -> int: ...
    @property
    def role(self) -> str: ...


def require_power_over(claims: Caller, target: Target) -> None:
    """Raises Forbidden unless the caller is the person, or an admin of a higher rank; super admins also reach their own rank."""
    if claims.user_id == target.id:
        return
    own, other = RANKS.index(claims.role), RANKS.index(target.role)
    if not claims.is_admin or own < other or (own == other and not claims.is_super_admin):
        raise Forbidden("You may not change this user.", code="rank-too-low")


def settable(claims: Caller, target: Target, values: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """What of `values` this caller changes. What is not theirs to set is left out, since clients send everything they read.

    Raises Forbidden where leaving it out would mislead: an admin who makes admins, or anybody who blocks a super admin.
    """
    kept = {name: value for name, value in values.items() if name not in NOBODY_SETS}
    changed = {name for name in kept if name in current and kept[name] != current[name]}
    if not claims.is_admin:
        return {name: value for name, value in kept.items() if name not in ADMINS_SET | SUPER_ADMINS_SET}
    if changed & SUPER_ADMINS_SET and not claims.is_super_admin:
        raise Forbidden(
            "Only a super admin makes or unmakes admins.",
            code="role-required",
            source={"pointer": "/data/attributes/is-admin"},
        )
    if "is_blocked" in changed and (target.role == "super-admin" or target.id == claims.user_id):
        raise Forbidden(
            "Super admins cannot be blocked, and nobody blocks themselves.",
            code="not-blockable",
            source={"pointer": "/data/attributes/is-blocked"},
        )
    return kept


def require_deletable(claims: Caller, target: Target) -> None:
    """Raises Forbidden for those who may not be deleted by this caller, and for super admins."""
    require_power_over(claims, target)
    if target.role == "super-admin":
        raise Forbidden("A super admin cannot be deleted.", code="super-admin-stays")


def require_erasable(claims: Caller, target: Target) -> None:
    """Raises Forbidden unless `require_deletable` allows it and, for oneself, the password was just shown: it is for good."""
    require_deletable(claims, target)
    if claims.user_id == target.id and not claims.is_fresh:
        raise Forbidden("Please enter your password again before you erase your account.", code="fresh-token-required")
