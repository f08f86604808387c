"""The double-entry ledger: written once, never changed."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Identity, Index, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from chassis import clock
from services.payments.models import Base


class LedgerAccount(Base):
    """Where money is: ``held/stripe``, ``event/7``, ``fees/paypal``. See domain/ledger.py."""

    __tablename__ = "ledger_accounts"

    code: Mapped[str] = mapped_column(Text, primary_key=True)


class LedgerTransfer(Base):
    """One amount from one account to another; debit and credit are the same number, so it always balances."""

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("debit <> credit", name="two_accounts"),
        Index("uq_ledger_transfers_reference", "reference", unique=True),
        Index("ix_ledger_transfers_payment_id", "payment_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    debit: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.code"))
    credit: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.code"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    reference: Mapped[str] = mapped_column(Text)
    payment_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    booked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=clock.now)
