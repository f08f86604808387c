"""What holds for the whole platform: modules, settings, pages. Modules and settings have one row each."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis import clock
from services.events.models.base import Base, Key, Long


class Module(Base):
    """Which parts of the platform are on."""

    __tablename__ = "modules"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, default=1)
    version: Mapped[int] = mapped_column(BigInteger, default=1, server_default="1")
    ticket_include: Mapped[bool] = mapped_column(default=False)
    payment_include: Mapped[bool] = mapped_column(default=False)
    donation_include: Mapped[bool] = mapped_column(default=False)


class Setting(Base):
    """Settings that an admin can change while the platform runs; `others` holds those that only clients understand."""

    __tablename__ = "settings"
    __table_args__ = (
        CheckConstraint("id = 1", name="one"),
        CheckConstraint("order_expiry_time BETWEEN 1 AND 60", name="order_expiry_time"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, default=1)
    version: Mapped[int] = mapped_column(BigInteger, default=1, server_default="1")
    app_name: Mapped[str | None] = mapped_column(default="Stagedoor")
    tagline: Mapped[str | None]
    order_expiry_time: Mapped[int] = mapped_column(default=15)
    others: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class Page(Base):
    """A static page, linked from the footer."""

    __tablename__ = "pages"

    id: Mapped[Key]
    name: Mapped[str]
    title: Mapped[str | None]
    url: Mapped[str]
    description: Mapped[Long | None]
    place: Mapped[str | None] = mapped_column(String(16))
    language: Mapped[str | None] = mapped_column(String(16))
    index: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
