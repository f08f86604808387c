"""What a person is told inside the application, and which mails they want per event."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, DateTime, ForeignKey, Identity, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from chassis import clock
from services.accounts.models.base import Base
from services.accounts.models.events import Event
from services.accounts.models.users import User


class Notification(Base):
    """One message to one person."""

    __tablename__ = "notifications"
    __table_args__ = (Index("ix_notifications_user_id_id", "user_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    is_read: Mapped[bool] = mapped_column(Boolean, default=False)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=clock.now)

    user: Mapped[User] = relationship(lazy="raise")


class EmailNotification(Base):
    """Which mails a person wants from one event."""

    __tablename__ = "email_notifications"
    __table_args__ = (Index("uq_email_notifications_user_id_event_id", "user_id", "event_id", unique=True),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(BigInteger)
    next_event: Mapped[bool] = mapped_column(Boolean, default=False)
    new_paper: Mapped[bool] = mapped_column(Boolean, default=False)
    session_accept_reject: Mapped[bool] = mapped_column(Boolean, default=False)
    session_schedule: Mapped[bool] = mapped_column(Boolean, default=False)
    after_ticket_purchase: Mapped[bool] = mapped_column(Boolean, default=True)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    user: Mapped[User] = relationship(lazy="raise")
    event: Mapped[Event] = relationship(
        primaryjoin=lambda: foreign(EmailNotification.event_id) == Event.id, viewonly=True, lazy="raise"
    )
