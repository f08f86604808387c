"""Who runs an event: roles, what each user holds in each event, and invitations."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis import clock
from services.events.domain.roles import OWNER
from services.events.models.base import Base, Key, OfEvent, Versioned

if TYPE_CHECKING:
    from services.events.models.events import Event
    from services.events.models.users import User


class Role(Base):
    """A role as it can be given; the built-in ones have the ids of `domain.roles`."""

    __tablename__ = "roles"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(64), unique=True)
    title_name: Mapped[str | None]


class Member(Versioned, OfEvent, Base):
    """One user in the team of one event: what other services replicate. It stays when the last role is gone."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("event_id", "user_id"),)

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(BigInteger, index=True)


class UsersEventsRoles(OfEvent, Base):
    """One role of one user in one event. An event has one owner."""

    __tablename__ = "users_events_roles"
    __table_args__ = (
        UniqueConstraint("event_id", "user_id", "role_id"),
        Index("uq_users_events_roles_owner", "event_id", unique=True, postgresql_where=text(f"role_id = {OWNER}")),
    )

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(BigInteger, index=True)
    role_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("roles.id"))

    event: Mapped[Event] = relationship(lazy="raise", back_populates="roles")
    role: Mapped[Role] = relationship(lazy="raise")
    user: Mapped[User | None] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(UsersEventsRoles.user_id) == User.id"
    )


class Inquiry(OfEvent, Base):
    """Somebody wrote to those who run an event: kept for the hour in which it counts. What was said is in the mail only."""

    __tablename__ = "inquiries"

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class RoleInvite(OfEvent, Base):
    """An invitation to a team. Only the hash of its token is kept."""

    __tablename__ = "role_invites"
    __table_args__ = (
        Index(
            "uq_role_invites_pending",
            "event_id",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("status = 'pending'"),
        ),
    )

    id: Mapped[Key]
    email: Mapped[str]
    role_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("roles.id"))
    role_name: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16), default="pending")
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    invited_by_id: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]

    event: Mapped[Event] = relationship(lazy="raise", back_populates="role_invites")
    role: Mapped[Role] = relationship(lazy="raise")
