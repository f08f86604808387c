"""Replica of accounts' users: who runs, speaks, or is named by a code."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from chassis.replicas import Replica
from services.events.models.base import Base, Long, Url


class User(Replica, Base):
    """A user as accounts told us."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(320), index=True)
    first_name: Mapped[str] = mapped_column(default="")
    last_name: Mapped[str] = mapped_column(default="")
    public_name: Mapped[str] = mapped_column(default="")
    avatar_url: Mapped[Url] = mapped_column(default="")
    is_verified: Mapped[bool] = mapped_column(default=False)
    role: Mapped[str] = mapped_column(String(16), default="user")
    locale: Mapped[Long] = mapped_column(default="")
