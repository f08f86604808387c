"""What we mail so that somebody proves to read an address."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from services.accounts.models.base import Base


class MailToken(Base):
    """A token, as its SHA-256 only. It counts once, until `expires_at`, and for the address it was sent to."""

    __tablename__ = "mail_tokens"
    __table_args__ = (Index("ix_mail_tokens_user_id", "user_id"), Index("ix_mail_tokens_expires_at", "expires_at"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(20))
    email_key: Mapped[str] = mapped_column(String(254))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
