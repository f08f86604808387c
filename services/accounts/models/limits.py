"""How often something was tried, for all processes together."""

from datetime import datetime

from sqlalchemy import DateTime, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from services.accounts.models.base import Base


class RateLimit(Base):
    """Tries in the window that began at `started_at`. `subject` is a digest: no address is kept here."""

    __tablename__ = "rate_limits"
    __table_args__ = (Index("ix_rate_limits_ends_at", "ends_at"),)

    scope: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    tries: Mapped[int] = mapped_column(Integer)
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
