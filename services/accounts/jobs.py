"""What the clock starts."""

from datetime import timedelta

import sqlalchemy as sa

from chassis import clock, replicas
from chassis.db import transaction
from chassis.jobs import job
from services.accounts import clients, config, consumers, keys, minting, queries, start
from services.accounts.commands import erasure
from services.accounts.models import EndedSession, Fill, LoginSession, MailToken, RateLimit


@job(every_seconds=3600)
def rotate_keys() -> None:
    """A new signing key when the newest is old enough; old ones go when their last token has expired."""
    settings = config.current()
    with transaction() as db:
        keys.rotate_by_age(db, timedelta(days=settings.key_rotation_days))
        keys.forget_old(db, timedelta(days=settings.session_days))
        keys.reencrypt(db)


@job(every_seconds=60)
def make_first_super_admin() -> None:
    """Once more, in case the database did not answer when the processes started."""
    start.make_first_super_admin()


@job(every_seconds=3600)
def forget_old() -> None:
    """Sessions, mailed tokens and counters that can mean nothing any more."""
    now = clock.now()
    for expired in (
        sa.delete(LoginSession).where(LoginSession.expires_at < now),
        sa.delete(LoginSession).where(LoginSession.ended_at < now - timedelta(days=1)),
        sa.delete(EndedSession).where(EndedSession.ended_at < now - minting.access_lifetime() - timedelta(hours=1)),
        sa.delete(MailToken).where(MailToken.expires_at < now - timedelta(days=1)),
        sa.delete(RateLimit).where(RateLimit.ends_at < now),
    ):
        with transaction() as db:
            db.execute(expired)


@job(every_seconds=3600)
def erase_deleted() -> None:
    """People who were deleted long ago are forgotten, one by one."""
    days = config.current().erase_deleted_after_days
    while days > 0:
        with transaction() as db:
            user = queries.lock_deleted_before(db, clock.now() - timedelta(days=days))
            if user is None:
                return
            erasure.erase(db, user)


@job(every_seconds=30)
def fill_replicas() -> None:
    """A new or rebuilt service reads what events has."""
    replicas.fill(
        Fill,
        {
            "event": (clients.events_after, consumers.keep_event),
            "event-role": (clients.event_roles_after, consumers.keep_event_role),
        },
    )
