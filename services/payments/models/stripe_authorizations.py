"""Organizers' own Stripe accounts, with their secrets encrypted."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Identity, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis import clock
from services.payments.models import Base

ACCOUNT = "coalesce('stripe/' || coalesce(nullif(a.stripe_user_id, ''), a.id::text), p.mode)"
"""`commands.attempts.account_of` in SQL, for a payment `p` and its row `a` of stripe_authorizations, if it has one."""


class StripeAuthorization(Base):
    """The Stripe account that one event's card payments go to.

    Deleting closes it for new charges; the secret is erased when nothing can be refunded any more. Secrets are what
    vault.encrypt made of them; `webhook_path` is the unguessable end of this account's webhook address.
    """

    __tablename__ = "stripe_authorizations"
    __table_args__ = (
        Index("uq_stripe_authorizations_event", "event_id", unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index("uq_stripe_authorizations_webhook_path", "webhook_path", unique=True),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger)
    stripe_publishable_key: Mapped[str] = mapped_column(Text, default="")
    stripe_user_id: Mapped[str] = mapped_column(Text, default="")
    stripe_email: Mapped[str] = mapped_column(Text, default="")
    secret_key_sealed: Mapped[str] = mapped_column(Text, default="")
    refresh_token_sealed: Mapped[str] = mapped_column(Text, default="")
    webhook_path: Mapped[str] = mapped_column(String(64))
    webhook_secret_sealed: Mapped[str] = mapped_column(Text, default="")
    webhook_reference: Mapped[str] = mapped_column(Text, default="")  # we_…
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=clock.now)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    erased_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def account(self) -> str:
        """What the ledger calls it."""
        return f"stripe/{self.stripe_user_id or self.id}"

    def place(self, kind: str) -> str:
        """What a secret is bound to when it is encrypted: copied into another row, it cannot be read."""
        return f"{kind}/{self.event_id}/{self.webhook_path}"
