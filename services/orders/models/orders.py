"""An order, its priced lines, and the decisions to give money back."""

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.orders.models.base import Base, Big, Id, Long, Moment, Text, Word

if TYPE_CHECKING:
    from services.orders.models.attendees import Attendee
    from services.orders.models.replicas import DiscountCode, Event, Ticket, User


class Order(Base):
    """One purchase. `status` moves only as `domain/lifecycle.py` says; amounts are minor units of `currency`."""

    __tablename__ = "orders"

    id: Mapped[Id]
    identifier: Mapped[str] = mapped_column(String(36), unique=True)
    version: Mapped[Big] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(String(16))
    event_id: Mapped[Big]
    user_id: Mapped[Big]
    buyer_email: Mapped[str] = mapped_column(String(320), default="")
    locale: Mapped[str] = mapped_column(String(16), default="")
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment | None]
    completed_at: Mapped[Moment | None]
    deleted_at: Mapped[Moment | None]
    expiry_minutes: Mapped[int] = mapped_column(SmallInteger, default=15)

    amount_minor: Mapped[Big]
    currency: Mapped[str] = mapped_column(String(3), default="")
    discount_minor: Mapped[Big] = mapped_column(default=0)
    tax_minor: Mapped[Big] = mapped_column(default=0)
    tax_name: Mapped[Long] = mapped_column(default="")
    tax_rate: Mapped[str] = mapped_column(String(32), default="")
    is_tax_included: Mapped[bool] = mapped_column(default=False)
    discount_code_id: Mapped[int | None] = mapped_column(BigInteger)
    access_code_id: Mapped[int | None] = mapped_column(BigInteger)

    payment_mode: Mapped[Word | None]
    paid_via: Mapped[Word | None]
    payment_id: Mapped[Word | None]
    payment_url: Mapped[Text | None]
    transaction_id: Mapped[str | None] = mapped_column(String(255))
    brand: Mapped[Word | None]
    last4: Mapped[Word | None]
    exp_month: Mapped[Word | None]
    exp_year: Mapped[Word | None]
    attempted_at: Mapped[Moment | None]  # payments was asked to open or charge an attempt: it has to be closed first
    charging_until: Mapped[Moment | None]  # expiry, cancel and change of mode wait until then
    charging_by: Mapped[Word | None]  # the request whose call to payments is under way
    captured_minor: Mapped[Big] = mapped_column(default=0)
    refunded_minor: Mapped[Big] = mapped_column(default=0)
    refund_status: Mapped[str] = mapped_column(String(16), default="none")
    invoice_number: Mapped[Word | None]

    is_billing_enabled: Mapped[bool] = mapped_column(default=False)
    company: Mapped[Text | None]
    tax_business_info: Mapped[Text | None]
    address: Mapped[Text | None]
    city: Mapped[Text | None]
    state: Mapped[Text | None]
    zipcode: Mapped[Text | None]
    country: Mapped[Text | None]
    order_notes: Mapped[str | None] = mapped_column(String(5000))
    cancel_note: Mapped[str | None] = mapped_column(String(500))
    tickets_pdf_url: Mapped[Text | None]

    lines: Mapped[list["OrderLine"]] = relationship(lazy="raise", order_by="OrderLine.id", viewonly=True)
    attendees: Mapped[list["Attendee"]] = relationship(
        lazy="raise",
        viewonly=True,
        order_by="Attendee.id",
        primaryjoin="Order.id == foreign(Attendee.order_id)",
    )
    event: Mapped["Event | None"] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Order.event_id) == Event.id"
    )
    user: Mapped["User | None"] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Order.user_id) == User.id"
    )
    discount_code: Mapped["DiscountCode | None"] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Order.discount_code_id) == DiscountCode.id"
    )
    tickets: Mapped[list["Ticket"]] = relationship(
        lazy="raise",
        viewonly=True,
        secondary="order_lines",
        primaryjoin="Order.id == OrderLine.order_id",
        secondaryjoin="foreign(OrderLine.ticket_id) == Ticket.id",
        order_by="Ticket.id",
    )

    __table_args__ = (
        CheckConstraint("amount_minor >= 0", name="amount"),
        CheckConstraint("captured_minor = 0 OR refunded_minor <= captured_minor", name="refunded"),
        Index("ix_orders_event", "event_id", "created_at"),
        Index("ix_orders_user", "user_id"),
        Index("ix_orders_due", "expires_at", postgresql_where=text("status IN ('initializing', 'pending')")),
        {"postgresql_with": {"fillfactor": "80"}},
    )


class OrderLine(Base):
    """What was ordered at which price. `total_minor` is after the discount, before a tax on top."""

    __tablename__ = "order_lines"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"), index=True)
    ticket_id: Mapped[Big] = mapped_column(index=True)
    ticket_name: Mapped[str] = mapped_column(String(500))
    quantity: Mapped[int] = mapped_column(Integer)
    price_minor: Mapped[Big]
    total_minor: Mapped[Big]
    discount_minor: Mapped[Big]


class Refund(Base):
    """One decision to give money back. `refund_key` is unique: the same decision is never taken twice.

    `kind`: provider (payments does it), offline (owed by the organizer, who marks it as paid). `amount_minor` 0: the whole
    captured remainder.
    """

    __tablename__ = "refunds"

    id: Mapped[Id]
    refund_key: Mapped[str] = mapped_column(String(200), unique=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))  # requested, succeeded, failed; owed, paid
    payment_id: Mapped[str] = mapped_column(String(64), default="")
    amount_minor: Mapped[Big]
    refunded_minor: Mapped[Big] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(String(500), default="")
    message: Mapped[str] = mapped_column(String(2000), default="")
    attendee_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    decided_by: Mapped[int | None] = mapped_column(BigInteger)
    # False: the money was never the order's (late, double, wrong).
    is_of_order: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[Moment]
    done_at: Mapped[Moment | None]


class Resend(Base):
    """Mails asked for once more; what the limits count."""

    __tablename__ = "resends"

    id: Mapped[Id]
    user_id: Mapped[Big]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"))
    created_at: Mapped[Moment] = mapped_column(index=True)
