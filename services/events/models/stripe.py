"""Replica of payments' Stripe authorizations: whether an event is linked, and the key that browsers may see."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis import clock
from services.events.models.base import Base

if TYPE_CHECKING:
    from services.events.models.events import Event


class StripeAuthorization(Base):
    """What payments last said about one authorization; an event has at most one that is linked."""

    __tablename__ = "stripe_authorizations"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigInteger, index=True)
    epoch: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    is_linked: Mapped[bool] = mapped_column(default=False)
    stripe_publishable_key: Mapped[str] = mapped_column(default="")
    heard_at: Mapped[datetime] = mapped_column(default=clock.now)

    event: Mapped[Event | None] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(StripeAuthorization.event_id) == Event.id"
    )
