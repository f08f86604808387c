"""Where else an event is found, and whose rights are on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, relationship

from services.events.models.base import Base, Key, OfEvent, SoftlyDeleted, Url

if TYPE_CHECKING:
    from services.events.models.events import Event


class SocialLink(SoftlyDeleted, OfEvent, Base):
    """A page of the event elsewhere."""

    __tablename__ = "social_links"

    id: Mapped[Key]
    name: Mapped[str]
    link: Mapped[Url]
    identifier: Mapped[str | None]

    event: Mapped[Event] = relationship(lazy="raise", back_populates="social_links")


class EventCopyright(SoftlyDeleted, OfEvent, Base):
    """The licence of what the event publishes; one per event."""

    __tablename__ = "event_copyrights"
    __table_args__ = (
        Index("uq_event_copyrights_event", "event_id", unique=True, postgresql_where=text("deleted_at IS NULL")),
    )

    id: Mapped[Key]
    holder: Mapped[str | None]
    holder_url: Mapped[Url | None]
    licence: Mapped[str]
    licence_url: Mapped[Url | None]
    year: Mapped[int | None]
    logo_url: Mapped[Url | None]

    event: Mapped[Event] = relationship(lazy="raise", viewonly=True, primaryjoin="EventCopyright.event_id == Event.id")
