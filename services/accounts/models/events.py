"""What we know of events and their teams, kept up to date by the events service."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, String, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from chassis.replicas import Replica, ReplicaFill
from services.accounts.models.base import Base


class Event(Replica, Base):
    """An event, as far as a person's pages name it."""

    __tablename__ = "events"

    identifier: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    timezone: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class EventRole(Replica, Base):
    """All roles of one user in one event; none: no longer in the team."""

    __tablename__ = "event_roles"
    __table_args__ = (Index("ix_event_roles_user_id", "user_id"),)

    event_id: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int] = mapped_column(BigInteger)
    roles: Mapped[list[str]] = mapped_column(ARRAY(String(20)))


class Fill(ReplicaFill, Base):
    """A kind of replica that has been read from its owner as a whole."""

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
