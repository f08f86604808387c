"""How often something may be tried, counted in the database for all processes together.

A try is counted before it is made, in a transaction of its own: many at once cannot slip through, and a refusal counts.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis import clock
from chassis.db import transaction
from chassis.errors import TooManyRequests
from services.accounts.config import Settings
from services.accounts.models import RateLimit

QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)


@dataclass(frozen=True)
class Limit:
    """At most `tries` of one subject per window, which begins with its first try."""

    scope: str
    tries: int
    window: timedelta


@dataclass(frozen=True)
class Limits:
    """Everything that accounts limits."""

    login_of_account: Limit
    login_from_address: Limit
    mail_to_account: Limit
    mail_from_address: Limit
    email_check: Limit
    sign_up: Limit


_limits: Limits | None = None


def configure(settings: Settings) -> None:
    """Takes over the numbers."""
    global _limits
    _limits = Limits(
        login_of_account=Limit("login-of-account", settings.login_attempts_per_account, QUARTER),
        login_from_address=Limit("login-from-address", settings.login_attempts_per_address, QUARTER),
        mail_to_account=Limit("mail-to-account", settings.mails_per_account, HOUR),
        mail_from_address=Limit("mail-from-address", settings.mails_per_address, HOUR),
        email_check=Limit("email-check", settings.email_checks_per_address, HOUR),
        sign_up=Limit("sign-up", settings.sign_ups_per_address, HOUR),
    )


def limits() -> Limits:
    """The limits of this process."""
    if _limits is None:
        raise RuntimeError("services.accounts.limits.configure() has not been called in this process")
    return _limits


def take(limit: Limit, subject: str) -> None:
    """Counts one try. Raises TooManyRequests (429, Retry-After) beyond the limit."""
    now = clock.now()
    fresh = {"tries": 1, "ends_at": now + limit.window}
    statement = insert(RateLimit).values(scope=limit.scope, subject=_digest(limit, subject), **fresh)
    is_over = RateLimit.ends_at <= now
    statement = statement.on_conflict_do_update(
        index_elements=["scope", "subject"],
        set_={
            "tries": sa.case((is_over, 1), else_=RateLimit.tries + 1),
            "ends_at": sa.case((is_over, now + limit.window), else_=RateLimit.ends_at),
        },
    )
    with transaction() as db:
        tries, ends_at = db.execute(statement.returning(RateLimit.tries, RateLimit.ends_at)).one()
    if tries > limit.tries:
        seconds = max(1, round((ends_at - now).total_seconds()))
        raise TooManyRequests(
            f"Too many attempts. Please try again in {-(-seconds // 60)} minutes.",
            retry_after_seconds=seconds,
            code="too-many-attempts",
        )


def give_back(limit: Limit, subject: str) -> None:
    """Takes one try back: it was a good one."""
    mine = sa.and_(RateLimit.scope == limit.scope, RateLimit.subject == _digest(limit, subject))
    with transaction() as db:
        db.execute(sa.update(RateLimit).where(mine, RateLimit.tries > 0).values(tries=RateLimit.tries - 1))


def forget(limit: Limit, subject: str) -> None:
    """Forgets all tries: whoever failed before was the owner after all."""
    with transaction() as db:
        db.execute(
            sa.delete(RateLimit).where(RateLimit.scope == limit.scope, RateLimit.subject == _digest(limit, subject))
        )


def _digest(limit: Limit, subject: str) -> bytes:
    return hashlib.sha256(f"{limit.scope}\0{subject}".encode()).digest()
