"""Pictures, in the database: so that a copy of an event has its own ones in the same transaction, or none."""

from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from chassis import clock
from services.events.models.base import Base, Key


class Medium(Base):
    """One picture, under a name that nobody can guess. It is never changed."""

    __tablename__ = "media"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(64), unique=True)
    content_type: Mapped[str] = mapped_column(String(32))
    data: Mapped[bytes] = mapped_column(LargeBinary)
    owner_id: Mapped[int] = mapped_column(BigInteger, index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
