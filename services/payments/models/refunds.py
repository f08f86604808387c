"""Refunds: decided by orders, carried out here, each exactly once."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Integer, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis import clock, messages
from services.payments.models import Base


class Refund(Base):
    """One refund of one payment. status: pending (to do, or under way), succeeded, failed.

    `try_at` is when it is tried (or asked about) next; null means settled.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount_minor >= 0", name="amount"),
        CheckConstraint("status IN ('pending', 'succeeded', 'failed')", name="status"),
        Index("uq_refunds_refund_key", "refund_key", "payment_id", unique=True),
        Index("ix_refunds_payment_id", "payment_id"),
        Index("ix_refunds_provider_reference", "provider_reference", postgresql_where=text("provider_reference <> ''")),
        Index("ix_refunds_try_at", "try_at", postgresql_where=text("try_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=messages.new_id)
    refund_key: Mapped[str] = mapped_column(String(200))
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payments.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String(20), default="pending")
    provider_reference: Mapped[str] = mapped_column(Text, default="")
    code: Mapped[str] = mapped_column(Text, default="")
    message: Mapped[str] = mapped_column(Text, default="")
    tries: Mapped[int] = mapped_column(Integer, default=0)
    call_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    try_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=clock.now)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=clock.now)
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def idempotency_key(self) -> str:
        """What the provider recognizes a repeated call by."""
        return f"stagedoor-refund-{self.id}"
