"""Payment attempts: one row each, committed before the provider is called."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, Index, Integer, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis import clock, messages
from services.payments.domain.attempts import LIVE, Status
from services.payments.models import Base

_LIVE = ", ".join(f"'{status}'" for status in sorted(LIVE))
_STATUSES = ", ".join(f"'{status}'" for status in Status)
_HAS_REFERENCE = text("provider_reference <> ''")


class Payment(Base):
    """One attempt to get an order paid.

    `call_until` is the lease of whoever talks to the provider about it; `ask_at` is when reconciliation asks next (null:
    settled). The idempotency keys that the provider sees derive from `id`, so they survive any crash. Of the payer nothing
    is kept but what a receipt shows of the card.
    """

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("refunded_minor BETWEEN 0 AND captured_minor", name="refunded"),
        CheckConstraint(f"status IN ({_STATUSES})", name="status"),
        Index("uq_payments_live", "order_identifier", unique=True, postgresql_where=text(f"status IN ({_LIVE})")),
        Index("uq_payments_attempt", "order_identifier", "attempt", unique=True),
        Index("uq_payments_reference", "mode", "provider_reference", unique=True, postgresql_where=_HAS_REFERENCE),
        Index("ix_payments_ask_at", "ask_at", postgresql_where=text("ask_at IS NOT NULL")),
        Index("ix_payments_authorization_id", "authorization_id", postgresql_where=text("authorization_id IS NOT NULL")),
        Index("ix_payments_captured_at", "captured_at", postgresql_where=text("captured_at IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=messages.new_id)
    order_identifier: Mapped[str] = mapped_column(String(64))
    event_id: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int] = mapped_column(Integer)
    mode: Mapped[str] = mapped_column(String(16))
    authorization_id: Mapped[int | None] = mapped_column(BigInteger)  # the organizer's own Stripe account, if any
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    # What the provider is told about the order; kept so that the very same call can be made again.
    request: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    status: Mapped[str] = mapped_column(String(20), default=Status.OPEN)
    provider_reference: Mapped[str] = mapped_column(Text, default="")
    transaction_id: Mapped[str] = mapped_column(Text, default="")
    payment_url: Mapped[str] = mapped_column(Text, default="")
    payer_id: Mapped[str] = mapped_column(Text, default="")
    decline_code: Mapped[str] = mapped_column(Text, default="")  # the provider's code: card_declined
    # What Stripe calls decline_code: insufficient_funds. The database fills in what an older version leaves out.
    decline_reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    message: Mapped[str] = mapped_column(Text, default="")
    card_brand: Mapped[str] = mapped_column(String(40), default="")
    card_last4: Mapped[str] = mapped_column(String(4), default="")
    card_exp_month: Mapped[str] = mapped_column(String(2), default="")
    card_exp_year: Mapped[str] = mapped_column(String(4), default="")
    captured_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    captured_currency: Mapped[str] = mapped_column(String(3), default="")
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    fee_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    means_digest: Mapped[str] = mapped_column(String(32), default="")
    close_wanted: Mapped[bool] = mapped_column(Boolean, default=False)
    asked: Mapped[int] = mapped_column(Integer, default=0)
    call_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ask_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=clock.now)
    captured_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def idempotency_key(self) -> str:
        """What the provider recognizes a repeated call by."""
        return f"stagedoor-{self.id}"
