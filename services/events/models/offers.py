"""What an event offers: ticket types, their tags, discount and access codes, and its tax."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    Sequence,
    String,
    Table,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis import clock
from services.events.models.base import Base, Key, Long, OfEvent, OfOffer, SoftlyDeleted, Url, Versioned

if TYPE_CHECKING:
    from services.events.models.events import Event
    from services.events.models.users import User

# Both kinds of codes draw from it, so that one snapshot can list them in id order.
code_ids = Sequence("code_ids", metadata=Base.metadata)


def links(name: str, left: str, right: str) -> Table:
    """A table that links two others, many to many."""
    first, second = left.removesuffix("s"), right.removesuffix("s")
    return Table(
        name,
        Base.metadata,
        Column(f"{first}_id", BigInteger, ForeignKey(f"{left}.id", ondelete="CASCADE"), primary_key=True),
        Column(f"{second}_id", BigInteger, ForeignKey(f"{right}.id", ondelete="CASCADE"), primary_key=True, index=True),
    )


discount_code_tickets = links("discount_code_tickets", "discount_codes", "tickets")
access_code_tickets = links("access_code_tickets", "access_codes", "tickets")
ticket_tag_tickets = links("ticket_tag_tickets", "ticket_tags", "tickets")


class Ticket(Versioned, SoftlyDeleted, OfOffer, Base):
    """A ticket type. Prices are minor units of `currency`, which is its event's."""

    __tablename__ = "tickets"
    __table_args__ = (
        Index("uq_tickets_name", "event_id", "name", unique=True, postgresql_where=text("deleted_at IS NULL")),
        CheckConstraint("quantity >= 0 AND min_order >= 0 AND max_order >= min_order", name="quantities"),
        CheckConstraint("price_minor >= 0", name="price"),
    )

    id: Mapped[Key]
    name: Mapped[str]
    description: Mapped[Long | None]
    type: Mapped[str] = mapped_column(String(32))
    currency: Mapped[str] = mapped_column(String(3))
    price_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    min_price_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    max_price_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    quantity: Mapped[int] = mapped_column(default=100)
    min_order: Mapped[int] = mapped_column(default=1)
    max_order: Mapped[int] = mapped_column(default=10)
    position: Mapped[int | None] = mapped_column(default=1)
    sales_starts_at: Mapped[datetime]
    sales_ends_at: Mapped[datetime]
    is_hidden: Mapped[bool] = mapped_column(default=False)
    is_description_visible: Mapped[bool] = mapped_column(default=False)
    is_fee_absorbed: Mapped[bool] = mapped_column(default=False)
    is_checkin_restricted: Mapped[bool] = mapped_column(default=True)
    auto_checkin_enabled: Mapped[bool] = mapped_column(default=False)
    form_id: Mapped[str | None]
    badge_id: Mapped[str | None]

    event: Mapped[Event] = relationship(lazy="raise", back_populates="tickets")
    discount_codes: Mapped[list[DiscountCode]] = relationship(
        lazy="raise", secondary=discount_code_tickets, back_populates="tickets", viewonly=True
    )
    access_codes: Mapped[list[AccessCode]] = relationship(
        lazy="raise", secondary=access_code_tickets, back_populates="tickets", viewonly=True
    )
    ticket_tags: Mapped[list[TicketTag]] = relationship(
        lazy="raise", secondary=ticket_tag_tickets, back_populates="tickets"
    )


class TicketTag(SoftlyDeleted, OfEvent, Base):
    """A word that groups ticket types."""

    __tablename__ = "ticket_tags"
    __table_args__ = (
        Index("uq_ticket_tags_name", "event_id", "name", unique=True, postgresql_where=text("deleted_at IS NULL")),
    )

    id: Mapped[Key]
    name: Mapped[str | None]

    event: Mapped[Event] = relationship(lazy="raise", back_populates="ticket_tags")
    tickets: Mapped[list[Ticket]] = relationship(
        lazy="raise", secondary=ticket_tag_tickets, back_populates="ticket_tags"
    )


class Code(Versioned, SoftlyDeleted, OfOffer):
    """What both kinds of codes have: how often, how many at once, and when. A limit of 0 is none."""

    id: Mapped[int] = mapped_column(BigInteger, code_ids, server_default=code_ids.next_value(), primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    is_active: Mapped[bool] = mapped_column(default=False)
    tickets_number: Mapped[int | None]
    min_quantity: Mapped[int | None]
    max_quantity: Mapped[int | None]
    valid_from: Mapped[datetime | None]
    valid_till: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    marketer_id: Mapped[int | None] = mapped_column(BigInteger, index=True)


class DiscountCode(Code, Base):
    """A code that lowers prices (`used_for` ticket), or the platform's fee for one event (`used_for` event)."""

    __tablename__ = "discount_codes"
    __table_args__ = (
        Index(
            "uq_discount_codes_code",
            "event_id",
            text("lower(code)"),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "uq_discount_codes_event",
            "event_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL AND used_for = 'event'"),
        ),
        CheckConstraint("used_for IN ('event', 'ticket')", name="used_for"),
        CheckConstraint("type IN ('percent', 'amount') AND value >= 0", name="value"),
    )

    used_for: Mapped[str] = mapped_column(String(16))
    type: Mapped[str] = mapped_column(String(16))
    value: Mapped[Decimal] = mapped_column(Numeric(14, 4))
    discount_url: Mapped[Url | None]

    event: Mapped[Event] = relationship(lazy="raise", back_populates="discount_codes")
    tickets: Mapped[list[Ticket]] = relationship(
        lazy="raise", secondary=discount_code_tickets, back_populates="discount_codes"
    )
    marketer: Mapped[User | None] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(DiscountCode.marketer_id) == User.id"
    )


class AccessCode(Code, Base):
    """A code that opens hidden tickets."""

    __tablename__ = "access_codes"
    __table_args__ = (
        Index(
            "uq_access_codes_code",
            "event_id",
            text("lower(code)"),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    access_url: Mapped[Url | None]

    event: Mapped[Event] = relationship(lazy="raise", back_populates="access_codes")
    tickets: Mapped[list[Ticket]] = relationship(
        lazy="raise", secondary=access_code_tickets, back_populates="access_codes"
    )
    marketer: Mapped[User | None] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(AccessCode.marketer_id) == User.id"
    )


class Tax(SoftlyDeleted, OfOffer, Base):
    """What is added to (or contained in) every price of an event."""

    __tablename__ = "taxes"
    __table_args__ = (
        Index("uq_taxes_event", "event_id", unique=True, postgresql_where=text("deleted_at IS NULL")),
        CheckConstraint("rate >= 0 AND rate <= 100", name="rate"),
    )

    id: Mapped[Key]
    name: Mapped[str | None] = mapped_column(default="")
    rate: Mapped[Decimal] = mapped_column(Numeric(7, 4), default=Decimal(0))
    is_tax_included_in_price: Mapped[bool] = mapped_column(default=False)
    country: Mapped[str | None]
    tax_id: Mapped[str | None] = mapped_column(default="")
    should_send_invoice: Mapped[bool] = mapped_column(default=False)
    is_invoice_sent: Mapped[bool] = mapped_column(default=False)
    registered_company: Mapped[str | None]
    contact_name: Mapped[str | None]
    phone: Mapped[str | None]
    email: Mapped[str | None]
    address: Mapped[str | None]
    city: Mapped[str | None]
    state: Mapped[str | None]
    zip: Mapped[str | None]
    invoice_footer: Mapped[Long | None]

    event: Mapped[Event] = relationship(lazy="raise", viewonly=True)


class Restriction(Base):
    """A limit that orders was asked to keep, and whose commit here is under way. What stays was cut off by a crash."""

    __tablename__ = "restrictions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    batch: Mapped[str] = mapped_column(String(36), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    thing_id: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(BigInteger)
    asked_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
