"""How events are sorted: types, topics, sub topics, and the pictures that stand in for missing ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.events.models.base import Base, Key, SoftlyDeleted, Url

if TYPE_CHECKING:
    from services.events.models.events import Event


class EventType(SoftlyDeleted, Base):
    """Conference, concert …"""

    __tablename__ = "event_types"

    id: Mapped[Key]
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)

    events: Mapped[list[Event]] = relationship(lazy="raise", back_populates="event_type", viewonly=True)


class EventTopic(SoftlyDeleted, Base):
    """Music, science …"""

    __tablename__ = "event_topics"

    id: Mapped[Key]
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    system_image_url: Mapped[Url | None]

    events: Mapped[list[Event]] = relationship(lazy="raise", back_populates="event_topic", viewonly=True)
    event_sub_topics: Mapped[list[EventSubTopic]] = relationship(
        lazy="raise", back_populates="event_topic", viewonly=True
    )


class EventSubTopic(SoftlyDeleted, Base):
    """Jazz, physics …"""

    __tablename__ = "event_sub_topics"

    id: Mapped[Key]
    name: Mapped[str]
    slug: Mapped[str]
    event_topic_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("event_topics.id", ondelete="CASCADE"), index=True
    )

    event_topic: Mapped[EventTopic] = relationship(lazy="raise", back_populates="event_sub_topics")
    events: Mapped[list[Event]] = relationship(lazy="raise", back_populates="event_sub_topic", viewonly=True)
    custom_placeholder: Mapped[CustomPlaceholder | None] = relationship(
        lazy="raise", back_populates="event_sub_topic", viewonly=True, uselist=False
    )


class CustomPlaceholder(Base):
    """The picture of events without one, per sub topic."""

    __tablename__ = "custom_placeholders"

    id: Mapped[Key]
    name: Mapped[str]
    original_image_url: Mapped[Url]
    copyright: Mapped[str | None]
    origin: Mapped[str | None]
    event_sub_topic_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("event_sub_topics.id", ondelete="CASCADE"), unique=True
    )

    event_sub_topic: Mapped[EventSubTopic | None] = relationship(lazy="raise", back_populates="custom_placeholder")
