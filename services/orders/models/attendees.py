"""An attendee. In an order its row *is* the hold: `seat` says what it takes away from the stock."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, String, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.orders.models.base import Base, Big, Id, Moment, Text, Word

if TYPE_CHECKING:
    from services.orders.models.orders import Order
    from services.orders.models.replicas import Event, Ticket, User


class Attendee(Base):
    """Who comes with which ticket. `price_minor` is what the order charges for it, tax included."""

    __tablename__ = "attendees"

    id: Mapped[Id]
    identifier: Mapped[Word]
    event_id: Mapped[Big]
    ticket_id: Mapped[Big]
    order_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("orders.id"))
    creator_id: Mapped[Big]
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    seat: Mapped[str] = mapped_column(String(8), default="none", server_default="none")
    price_minor: Mapped[Big] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3), default="", server_default="")
    is_discount_applied: Mapped[bool] = mapped_column(default=False)
    is_access_code_applied: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Moment]
    deleted_at: Mapped[Moment | None]

    firstname: Mapped[Text | None]
    lastname: Mapped[Text | None]
    email: Mapped[str | None] = mapped_column(String(320))
    address: Mapped[Text | None]
    city: Mapped[Text | None]
    state: Mapped[Text | None]
    country: Mapped[Text | None]
    job_title: Mapped[Text | None]
    phone: Mapped[Text | None]
    tax_business_info: Mapped[Text | None]
    billing_address: Mapped[Text | None]
    home_address: Mapped[Text | None]
    shipping_address: Mapped[Text | None]
    company: Mapped[Text | None]
    work_address: Mapped[Text | None]
    work_phone: Mapped[Text | None]
    website: Mapped[Text | None]
    blog: Mapped[Text | None]
    twitter: Mapped[Text | None]
    facebook: Mapped[Text | None]
    github: Mapped[Text | None]
    instagram: Mapped[Text | None]
    linkedin: Mapped[Text | None]
    gender: Mapped[Text | None]
    age_group: Mapped[Text | None]
    home_wiki: Mapped[Text | None]
    wiki_scholarship: Mapped[Text | None]
    native_language: Mapped[Text | None]
    fluent_language: Mapped[Text | None]
    birth_date: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    accept_video_recording: Mapped[bool | None]
    accept_share_details: Mapped[bool | None]
    accept_receive_emails: Mapped[bool | None]
    is_consent_form_field: Mapped[bool | None]
    is_consent_form_field_photo: Mapped[bool | None]
    is_consent_form_field_email: Mapped[bool | None]
    is_consent_of_refund_policy: Mapped[bool | None]
    complex_field_values: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    attendee_notes: Mapped[str | None] = mapped_column(String(5000))

    is_checked_in: Mapped[bool] = mapped_column(default=False)
    is_checked_out: Mapped[bool] = mapped_column(default=False)
    is_registered: Mapped[bool] = mapped_column(default=False)
    checkin_times: Mapped[str | None] = mapped_column(String(5000))
    checkout_times: Mapped[str | None] = mapped_column(String(5000))
    register_times: Mapped[str | None] = mapped_column(String(5000))
    device_name_checkin: Mapped[str | None] = mapped_column(String(5000))
    scan_version: Mapped[Big] = mapped_column(default=0)
    is_badge_printed: Mapped[bool | None]
    badge_printed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    pdf_url: Mapped[Text | None]
    pdf_version: Mapped[Big] = mapped_column(default=0)
    tag_id: Mapped[int | None] = mapped_column(BigInteger)

    order: Mapped["Order | None"] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Attendee.order_id) == Order.id"
    )
    event: Mapped["Event | None"] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Attendee.event_id) == Event.id"
    )
    ticket: Mapped["Ticket | None"] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Attendee.ticket_id) == Ticket.id"
    )
    user: Mapped["User | None"] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Attendee.user_id) == User.id"
    )
    tag: Mapped["Tag | None"] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Attendee.tag_id) == Tag.id"
    )

    __table_args__ = (
        CheckConstraint("(seat = 'none') = (order_id IS NULL)", name="seat"),
        Index("ix_attendees_order", "order_id"),
        Index("ix_attendees_event", "event_id", "id"),
        Index("ix_attendees_ticket", "ticket_id", "id"),
        Index("ix_attendees_email", func.lower(text("email")), postgresql_where=text("email IS NOT NULL")),
        Index("ix_attendees_user", "user_id", postgresql_where=text("user_id IS NOT NULL")),
        Index("ix_attendees_loose", "creator_id", postgresql_where=text("order_id IS NULL AND deleted_at IS NULL")),
        {"postgresql_with": {"fillfactor": "80"}},
    )


class Tag(Base):
    """A coloured label that the team of an event puts on attendees."""

    __tablename__ = "tags"

    id: Mapped[Id]
    event_id: Mapped[Big]
    name: Mapped[str] = mapped_column(String(200))
    color: Mapped[str | None] = mapped_column(String(64))
    is_read_only: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Moment]
    deleted_at: Mapped[Moment | None]

    event: Mapped["Event | None"] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Tag.event_id) == Event.id"
    )

    __table_args__ = (
        Index(
            "uq_tags_name",
            "event_id",
            func.lower(text("name")),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )
