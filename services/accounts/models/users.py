"""People: how they are reached, what they may do on the whole platform, and what they tell of themselves."""

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from sqlalchemy import BigInteger, Boolean, DateTime, ForeignKey, Identity, Index, String, Text, and_, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from chassis import clock
from services.accounts.models.base import Base
from services.accounts.models.events import Event, EventRole

if TYPE_CHECKING:
    from services.accounts.models.notifications import EmailNotification, Notification

Role = Literal["user", "admin", "super-admin"]


class User(Base):
    """One person. `email_key` is what the address is compared by; it is free again when the user is deleted.

    `version` rises with every change that others hear of. An erased user keeps its row and id and nothing personal.
    """

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email_key", "email_key", unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index("ix_users_created_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, default=1)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254))
    password_hash: Mapped[str | None] = mapped_column(String(255), default=None)

    is_super_admin: Mapped[bool] = mapped_column(Boolean, default=False)
    is_admin: Mapped[bool] = mapped_column(Boolean, default=False)
    is_sales_admin: Mapped[bool] = mapped_column(Boolean, default=False)
    is_marketer: Mapped[bool] = mapped_column(Boolean, default=False)
    is_verified: Mapped[bool] = mapped_column(Boolean, default=False)
    is_blocked: Mapped[bool] = mapped_column(Boolean, default=False)
    was_registered_with_order: Mapped[bool] = mapped_column(Boolean, default=False)
    is_rocket_chat_registered: Mapped[bool] = mapped_column(Boolean, default=False)
    team_roles: Mapped[list[str]] = mapped_column(ARRAY(String(20)), default=list)  # in any event; events tells us

    first_name: Mapped[str | None] = mapped_column(Text, default=None)
    last_name: Mapped[str | None] = mapped_column(Text, default=None)
    public_name: Mapped[str | None] = mapped_column(Text, default=None)
    is_profile_public: Mapped[bool] = mapped_column(Boolean, default=False)
    avatar_url: Mapped[str | None] = mapped_column(Text, default=None)
    original_image_url: Mapped[str | None] = mapped_column(Text, default=None)
    thumbnail_image_url: Mapped[str | None] = mapped_column(Text, default=None)
    small_image_url: Mapped[str | None] = mapped_column(Text, default=None)
    icon_image_url: Mapped[str | None] = mapped_column(Text, default=None)
    facebook_id: Mapped[int | None] = mapped_column(BigInteger, default=None)
    facebook_url: Mapped[str | None] = mapped_column(Text, default=None)
    twitter_url: Mapped[str | None] = mapped_column(Text, default=None)
    instagram_url: Mapped[str | None] = mapped_column(Text, default=None)
    google_plus_url: Mapped[str | None] = mapped_column(Text, default=None)
    details: Mapped[str | None] = mapped_column(Text, default=None)
    contact: Mapped[str | None] = mapped_column(Text, default=None)
    language_prefrence: Mapped[str | None] = mapped_column(String(35), default=None)  # the contract's spelling

    billing_contact_name: Mapped[str | None] = mapped_column(Text, default=None)
    billing_phone: Mapped[str | None] = mapped_column(Text, default=None)
    billing_state: Mapped[str | None] = mapped_column(Text, default=None)
    billing_country: Mapped[str | None] = mapped_column(Text, default=None)
    billing_tax_info: Mapped[str | None] = mapped_column(Text, default=None)
    company: Mapped[str | None] = mapped_column(Text, default=None)
    billing_address: Mapped[str | None] = mapped_column(Text, default=None)
    billing_city: Mapped[str | None] = mapped_column(Text, default=None)
    billing_zip_code: Mapped[str | None] = mapped_column(Text, default=None)
    billing_additional_info: Mapped[str | None] = mapped_column(Text, default=None)

    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=clock.now)
    last_accessed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    erased_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    notifications: Mapped[list["Notification"]] = relationship(viewonly=True, lazy="raise")
    email_notifications: Mapped[list["EmailNotification"]] = relationship(viewonly=True, lazy="raise")
    alternate_emails: Mapped[list["UserEmail"]] = relationship(viewonly=True, lazy="raise")
    events: Mapped[list[Event]] = relationship(
        secondary=EventRole.__table__,
        primaryjoin=lambda: and_(User.id == foreign(EventRole.user_id), func.cardinality(EventRole.roles) > 0),
        secondaryjoin=lambda: foreign(EventRole.event_id) == Event.id,
        viewonly=True,
        lazy="raise",
    )

    @property
    def role(self) -> Role:
        """The rank in the whole system, as tokens carry it."""
        if self.is_super_admin:
            return "super-admin"
        return "admin" if self.is_admin else "user"

    @property
    def full_name(self) -> str:
        """First and last name as far as they are known."""
        return " ".join(filter(None, (self.first_name, self.last_name)))


class UserEmail(Base):
    """Another address of a person, for contact only: nobody logs in with it."""

    __tablename__ = "user_emails"
    __table_args__ = (
        Index(
            "uq_user_emails_user_id_email_key",
            "user_id",
            "email_key",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    email_address: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254))
    type: Mapped[str] = mapped_column(String(10))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    user: Mapped[User] = relationship(lazy="raise")
