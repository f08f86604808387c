"""What this service knows of others' resources, kept up to date by their messages (docs/replicas.md)."""

from datetime import datetime

from sqlalchemy import DateTime, Index, Integer, String, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis.replicas import Replica, ReplicaFill
from services.orders.models.base import Base, Big, Long, Moment, Text


class Event(Replica, Base):
    """Owned by events."""

    __tablename__ = "replica_events"

    identifier: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(1000))
    starts_at: Mapped[Moment | None]
    ends_at: Mapped[Moment | None]
    timezone: Mapped[str] = mapped_column(String(64))
    online: Mapped[bool]
    location_name: Mapped[str] = mapped_column(String(2000))
    state: Mapped[str] = mapped_column(String(16))
    privacy: Mapped[str] = mapped_column(String(16))
    currency: Mapped[str] = mapped_column(String(3))
    payment_country: Mapped[str] = mapped_column(String(100))
    after_order_message: Mapped[str] = mapped_column(String(20000))
    logo_url: Mapped[Long]
    original_image_url: Mapped[Long]
    owner_name: Mapped[str] = mapped_column(String(500))
    owner_id: Mapped[Big]
    is_billing_info_mandatory: Mapped[bool]
    is_ticket_form_enabled: Mapped[bool]
    is_stripe_linked: Mapped[bool]
    bank_details: Mapped[Long]
    cheque_details: Mapped[Long]
    onsite_details: Mapped[Long]
    invoice_details: Mapped[Long]
    refund_policy: Mapped[Long]
    payment_modes: Mapped[list[str]] = mapped_column(ARRAY(String(32)))
    created_at: Mapped[Moment | None]
    deleted_at: Mapped[Moment | None]


class Ticket(Replica, Base):
    """Owned by events."""

    __tablename__ = "replica_tickets"

    event_id: Mapped[Big] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(String(500))
    type: Mapped[str] = mapped_column(String(32))
    description: Mapped[str] = mapped_column(String(20000))
    price_minor: Mapped[Big]
    min_price_minor: Mapped[Big]
    max_price_minor: Mapped[Big]
    currency: Mapped[str] = mapped_column(String(3))
    quantity: Mapped[int] = mapped_column(Integer)
    min_order: Mapped[int] = mapped_column(Integer)
    max_order: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)
    sales_starts_at: Mapped[Moment | None]
    sales_ends_at: Mapped[Moment | None]
    is_hidden: Mapped[bool]
    is_description_visible: Mapped[bool]
    is_fee_absorbed: Mapped[bool]
    is_checkin_restricted: Mapped[bool]
    auto_checkin_enabled: Mapped[bool]
    form_id: Mapped[Long]

    event: Mapped["Event | None"] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Ticket.event_id) == Event.id"
    )


class DiscountCode(Replica, Base):
    """Owned by events. Access codes live in the ledger only."""

    __tablename__ = "replica_discount_codes"

    event_id: Mapped[Big] = mapped_column(index=True)
    code: Mapped[str] = mapped_column(String(200))
    used_for: Mapped[str] = mapped_column(String(16))
    type: Mapped[str] = mapped_column(String(16))
    value: Mapped[str] = mapped_column(String(64))
    is_active: Mapped[bool]
    tickets_number: Mapped[int] = mapped_column(Integer)


class User(Replica, Base):
    """Owned by accounts. Seen by the user, and by those who run an event that the user bought for."""

    __tablename__ = "replica_users"

    email: Mapped[str] = mapped_column(String(320))
    first_name: Mapped[str] = mapped_column(String(500))
    last_name: Mapped[str] = mapped_column(String(500))
    public_name: Mapped[str] = mapped_column(String(500))
    avatar_url: Mapped[Text]
    is_verified: Mapped[bool]
    locale: Mapped[Long]

    __table_args__ = (Index("ix_replica_users_email", func.lower(text("email"))),)


class Fill(ReplicaFill, Base):
    """A kind of replica that has been read from its owner as a whole."""

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)


class EventRole(Replica, Base):
    """Owned by events: all roles of one user in one event. A row without roles is an answer, too: none.

    `asked_at` is set where the owner was asked because no message had come yet.
    """

    __tablename__ = "event_roles"

    event_id: Mapped[Big]
    user_id: Mapped[Big]
    roles: Mapped[list[str]] = mapped_column(ARRAY(String(32)))
    asked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        Index("ix_event_roles_user", "user_id", "event_id"),
        Index("ix_event_roles_event", "event_id"),
    )
