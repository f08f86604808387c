"""Reads and locks with a name, and which rows a caller may see."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from services.accounts import minting
from services.accounts.domain.emails import key_of
from services.accounts.models import (
    EndedSession,
    Event,
    EventRole,
    LoginSession,
    MailToken,
    RefreshToken,
    User,
)

Criterion = ColumnElement[bool] | bool
COUNTED_ROLES = ("owner", "organizer", "coorganizer", "track_organizer", "attendee")


def visible_to_owner(owner: Any) -> Any:
    """A hook for resources: rows whose `owner` column names the caller, all of them for admins, none for the anonymous."""

    def visible(claims: Claims | None) -> Criterion:
        if claims is None:
            return False
        return True if claims.is_admin else owner == claims.user_id

    return visible


def events_of_caller(claims: Claims | None) -> Criterion:
    """Published events, and those in whose team the caller is."""
    if claims is None:
        return False
    if claims.is_admin:
        return True
    in_team = sa.exists().where(
        EventRole.event_id == Event.id,
        EventRole.user_id == claims.user_id,
        sa.func.cardinality(EventRole.roles) > 0,
    )
    return sa.or_(Event.state == "published", in_team)


def living_user(db: Session, email: str) -> User | None:
    """The user with this address, in whatever capitals."""
    return db.scalar(sa.select(User).where(User.email_key == key_of(email), User.deleted_at.is_(None)))


def lock_user(db: Session, user_id: int) -> User | None:
    """The living user, locked: logins, blocks, demotions and password changes of one person come one after the other."""
    return db.scalar(
        sa.select(User)
        .where(User.id == user_id, User.deleted_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def lock_deleted_before(db: Session, moment: datetime) -> User | None:
    """A user who was deleted before this moment and not yet erased, locked."""
    return db.scalar(
        sa.select(User)
        .where(User.deleted_at < moment, User.erased_at.is_(None), User.is_super_admin.is_(False))
        .order_by(User.id)
        .limit(1)
        .with_for_update()
    )


def lock_session(db: Session, session_id: str) -> LoginSession | None:
    """The living session, locked, so that each of its tokens is exchanged by one request at a time."""
    return db.scalar(
        sa.select(LoginSession)
        .where(
            LoginSession.id == session_id,
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > clock.now(),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def generations(db: Session, session_id: str) -> dict[int, RefreshToken]:
    """The generations of a session that are still known, by number."""
    rows = db.scalars(sa.select(RefreshToken).where(RefreshToken.session_id == session_id)).all()
    return {row.generation: row for row in rows}


def is_open(db: Session, purpose: str, token_hash: bytes) -> bool:
    """Whether a mailed token could still be used."""
    found = db.scalar(sa.select(MailToken.id).where(*open_token(purpose, token_hash)))
    return found is not None


def open_token(purpose: str, token_hash: bytes) -> tuple[ColumnElement[bool], ...]:
    """The criteria of a mailed token that counts: of this purpose, unused, in time."""
    return (
        MailToken.token_hash == token_hash,
        MailToken.purpose == purpose,
        MailToken.used_at.is_(None),
        MailToken.expires_at > clock.now(),
    )


def sessions_to_remember(db: Session) -> Sequence[EndedSession]:
    """The sessions that ended while tokens of theirs may still look valid."""
    since = clock.now() - minting.access_lifetime()
    return db.scalars(sa.select(EndedSession).where(EndedSession.ended_at > since).order_by(EndedSession.id)).all()


def users_after(db: Session, after_id: int, limit: int) -> Sequence[User]:
    """Users in id order, deleted ones too: their tombstones matter to replicas."""
    return db.scalars(sa.select(User).where(User.id > after_id).order_by(User.id).limit(limit)).all()


def has_super_admin(db: Session) -> bool:
    """Whether there is, or ever was, a super admin."""
    return db.scalar(sa.select(User.id).where(User.is_super_admin).limit(1)) is not None


def team_roles(user_id: int) -> Any:
    """All roles that a user holds in any event, as an SQL expression."""
    role = sa.func.unnest(EventRole.roles).label("role")
    roles = sa.select(role).where(EventRole.user_id == user_id).subquery()
    held = sa.select(sa.func.array_agg(sa.distinct(roles.c.role)))
    return sa.func.coalesce(held.scalar_subquery(), sa.cast([], ARRAY(sa.String(20))))


def count_users(db: Session) -> dict[str, int]:
    """How many living users there are of each kind, in one pass."""
    counted = {
        "super-admin": User.is_super_admin,
        "admin": User.is_admin,
        "verified": User.is_verified,
        "unverified": User.is_verified.is_(False),
        **{role.replace("_", "-"): User.team_roles.any_() == role for role in COUNTED_ROLES},
    }
    columns = [sa.func.count().filter(criterion) for criterion in counted.values()]
    row = db.execute(sa.select(*columns).where(User.deleted_at.is_(None))).one()
    return dict(zip(counted, row, strict=True))
