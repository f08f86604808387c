"""What happens at an event: sessions and who holds them, where and in which track; and who else is there."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from chassis import clock
from services.events.domain.session_states import STATES
from services.events.models.base import Base, Json, Key, Long, OfEvent, SoftlyDeleted, Url

if TYPE_CHECKING:
    from services.events.models.events import Event
    from services.events.models.users import User

session_speakers = Table(
    "session_speakers",
    Base.metadata,
    Column("session_id", BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("speaker_id", BigInteger, ForeignKey("speakers.id", ondelete="CASCADE"), primary_key=True, index=True),
)
exhibitor_sessions = Table(
    "exhibitor_sessions",
    Base.metadata,
    Column("exhibitor_id", BigInteger, ForeignKey("exhibitors.id", ondelete="CASCADE"), primary_key=True),
    Column("session_id", BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Track(SoftlyDeleted, OfEvent, Base):
    """A theme that runs through the schedule."""

    __tablename__ = "tracks"

    id: Mapped[Key]
    name: Mapped[str]
    description: Mapped[Long | None]
    color: Mapped[str] = mapped_column(String(32))
    position: Mapped[int | None] = mapped_column(default=0)

    event: Mapped[Event] = relationship(lazy="raise", back_populates="tracks")
    sessions: Mapped[list[EventSession]] = relationship(lazy="raise", back_populates="track", viewonly=True)


class SessionType(SoftlyDeleted, OfEvent, Base):
    """Talk, workshop …; `length` is hours and minutes."""

    __tablename__ = "session_types"

    id: Mapped[Key]
    name: Mapped[str]
    length: Mapped[str] = mapped_column(String(8))
    position: Mapped[int | None] = mapped_column(default=0)

    event: Mapped[Event] = relationship(lazy="raise", back_populates="session_types")
    sessions: Mapped[list[EventSession]] = relationship(lazy="raise", back_populates="session_type", viewonly=True)


class Microlocation(SoftlyDeleted, OfEvent, Base):
    """A room."""

    __tablename__ = "microlocations"

    id: Mapped[Key]
    name: Mapped[str]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    floor: Mapped[int | None]
    room: Mapped[str | None]
    hidden_in_scheduler: Mapped[bool] = mapped_column(default=False)
    is_chat_enabled: Mapped[bool | None] = mapped_column(default=False)
    is_global_event_room: Mapped[bool | None] = mapped_column(default=False)
    position: Mapped[int | None] = mapped_column(default=0)

    event: Mapped[Event] = relationship(lazy="raise", back_populates="microlocations")
    sessions: Mapped[list[EventSession]] = relationship(lazy="raise", back_populates="microlocation", viewonly=True)
    video_stream: Mapped[VideoStream | None] = relationship(lazy="raise", viewonly=True, uselist=False)


class EventSession(SoftlyDeleted, OfEvent, Base):
    """A session: a talk, a workshop. (SQLAlchemy's sessions are called `db` here.)"""

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint("state IN (" + ", ".join(f"'{state}'" for state in STATES) + ")", name="state"),
        CheckConstraint("ends_at > starts_at", name="times"),
        Index("ix_sessions_room", "microlocation_id", "starts_at", postgresql_where=text("deleted_at IS NULL")),
    )

    id: Mapped[Key]
    title: Mapped[str]
    subtitle: Mapped[str | None]
    level: Mapped[str | None] = mapped_column(String(64))
    short_abstract: Mapped[Long | None]
    long_abstract: Mapped[Long | None]
    comments: Mapped[Long | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    language: Mapped[str | None] = mapped_column(String(64))
    slides: Mapped[Json | None]
    slides_url: Mapped[Url | None]
    website: Mapped[Url | None]
    twitter: Mapped[Url | None]
    facebook: Mapped[Url | None]
    github: Mapped[Url | None]
    linkedin: Mapped[Url | None]
    instagram: Mapped[Url | None]
    gitlab: Mapped[Url | None]
    mastodon: Mapped[Url | None]
    video_url: Mapped[Url | None]
    audio_url: Mapped[Url | None]
    signup_url: Mapped[Url | None]
    state: Mapped[str] = mapped_column(String(16), default="pending")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    submitted_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    last_modified_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)
    is_mail_sent: Mapped[bool] = mapped_column(default=False)
    is_locked: Mapped[bool] = mapped_column(default=False)
    complex_field_values: Mapped[Json | None]
    average_rating: ClassVar[Any]  # these three are added below, where what they count exists
    rating_count: ClassVar[Any]
    favourite_count: ClassVar[Any]
    creator_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    track_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("tracks.id", ondelete="SET NULL"), index=True)
    session_type_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("session_types.id", ondelete="SET NULL"), index=True
    )
    microlocation_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("microlocations.id", ondelete="SET NULL")
    )

    event: Mapped[Event] = relationship(lazy="raise", back_populates="sessions")
    track: Mapped[Track | None] = relationship(lazy="raise", back_populates="sessions")
    session_type: Mapped[SessionType | None] = relationship(lazy="raise", back_populates="sessions")
    microlocation: Mapped[Microlocation | None] = relationship(lazy="raise", back_populates="sessions")
    speakers: Mapped[list[Speaker]] = relationship(lazy="raise", secondary=session_speakers, back_populates="sessions")
    exhibitors: Mapped[list[Exhibitor]] = relationship(
        lazy="raise", secondary=exhibitor_sessions, back_populates="sessions", viewonly=True
    )
    feedbacks: Mapped[list[Feedback]] = relationship(lazy="raise", back_populates="session", viewonly=True)
    favourites: Mapped[list[UserFavouriteSession]] = relationship(lazy="raise", back_populates="session", viewonly=True)
    favourite: Mapped[UserFavouriteSession | None] = relationship(
        lazy="raise", viewonly=True, uselist=False, primaryjoin="UserFavouriteSession.session_id == EventSession.id"
    )
    creator: Mapped[User | None] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(EventSession.creator_id) == User.id"
    )


class Speaker(SoftlyDeleted, OfEvent, Base):
    """Who holds sessions; one per address and event."""

    __tablename__ = "speakers"
    __table_args__ = (
        Index(
            "uq_speakers_email",
            "event_id",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("deleted_at IS NULL AND email <> ''"),
        ),
    )

    id: Mapped[Key]
    user_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(String(320))
    photo_url: Mapped[Url | None]
    short_biography: Mapped[Long | None]
    long_biography: Mapped[Long | None]
    speaking_experience: Mapped[Long | None]
    mobile: Mapped[str | None] = mapped_column(String(64))
    website: Mapped[Url | None]
    twitter: Mapped[Url | None]
    facebook: Mapped[Url | None]
    github: Mapped[Url | None]
    mastodon: Mapped[Url | None]
    linkedin: Mapped[Url | None]
    instagram: Mapped[Url | None]
    organisation: Mapped[str | None]
    is_featured: Mapped[bool] = mapped_column(default=False)
    is_email_overridden: Mapped[bool] = mapped_column(default=False)
    position: Mapped[str | None]
    country: Mapped[str | None]
    city: Mapped[str | None]
    address: Mapped[str | None]
    gender: Mapped[str | None] = mapped_column(String(64))
    order: Mapped[int | None] = mapped_column(default=0)
    heard_from: Mapped[str | None]
    sponsorship_required: Mapped[Long | None]
    speaker_positions: Mapped[Json | None]
    complex_field_values: Mapped[Json | None]

    event: Mapped[Event] = relationship(lazy="raise", back_populates="speakers")
    sessions: Mapped[list[EventSession]] = relationship(
        lazy="raise", secondary=session_speakers, back_populates="speakers"
    )
    user: Mapped[User | None] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Speaker.user_id) == User.id"
    )


class SpeakersCall(SoftlyDeleted, OfEvent, Base):
    """When sessions may be proposed; one per event."""

    __tablename__ = "speakers_calls"
    __table_args__ = (
        Index("uq_speakers_calls_event", "event_id", unique=True, postgresql_where=text("deleted_at IS NULL")),
    )

    id: Mapped[Key]
    announcement: Mapped[Long | None]
    starts_at: Mapped[datetime]
    soft_ends_at: Mapped[datetime | None]
    ends_at: Mapped[datetime]
    hash: Mapped[str | None] = mapped_column(String(64), default=lambda: secrets.token_hex(16))
    privacy: Mapped[str | None] = mapped_column(String(16), default="public")

    event: Mapped[Event] = relationship(lazy="raise", viewonly=True, primaryjoin="SpeakersCall.event_id == Event.id")


class Sponsor(SoftlyDeleted, OfEvent, Base):
    """Who pays for it."""

    __tablename__ = "sponsors"

    id: Mapped[Key]
    name: Mapped[str]
    description: Mapped[Long | None]
    url: Mapped[Url | None]
    level: Mapped[int | None]
    logo_url: Mapped[Url | None]
    type: Mapped[str | None]

    event: Mapped[Event] = relationship(lazy="raise", back_populates="sponsors")


class Exhibitor(OfEvent, Base):
    """Who has a booth."""

    __tablename__ = "exhibitors"

    id: Mapped[Key]
    name: Mapped[str]
    status: Mapped[str | None] = mapped_column(String(16), default="pending")
    description: Mapped[Long | None]
    url: Mapped[Url | None]
    position: Mapped[int | None] = mapped_column(default=0)
    logo_url: Mapped[Url | None]
    banner_url: Mapped[Url | None]
    thumbnail_image_url: Mapped[Url | None]
    enable_video_room: Mapped[bool | None] = mapped_column(default=False)
    video_url: Mapped[Url | None]
    slides_url: Mapped[Url | None]
    contact_email: Mapped[str | None] = mapped_column(String(320))
    contact_link: Mapped[str | None]
    social_links: Mapped[Json | None]

    event: Mapped[Event] = relationship(lazy="raise", back_populates="exhibitors")
    sessions: Mapped[list[EventSession]] = relationship(
        lazy="raise", secondary=exhibitor_sessions, back_populates="exhibitors"
    )


class FaqType(OfEvent, Base):
    """A chapter of questions."""

    __tablename__ = "faq_types"

    id: Mapped[Key]
    name: Mapped[str]

    event: Mapped[Event] = relationship(lazy="raise", back_populates="faq_types")
    faqs: Mapped[list[Faq]] = relationship(lazy="raise", back_populates="faq_type", viewonly=True)


class Faq(SoftlyDeleted, OfEvent, Base):
    """A question that is asked often."""

    __tablename__ = "faqs"

    id: Mapped[Key]
    question: Mapped[Long]
    answer: Mapped[Long]
    faq_type_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("faq_types.id", ondelete="SET NULL"), index=True
    )

    event: Mapped[Event] = relationship(lazy="raise", back_populates="faqs")
    faq_type: Mapped[FaqType | None] = relationship(lazy="raise", back_populates="faqs")


class Feedback(Base):
    """What somebody thought of an event or of a session: of exactly one of them."""

    __tablename__ = "feedbacks"
    __table_args__ = (
        CheckConstraint("(event_id IS NULL) <> (session_id IS NULL)", name="about_one"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        Index("uq_feedbacks_event_id_user_id", "event_id", "user_id", unique=True),
        Index("uq_feedbacks_session_id_user_id", "session_id", "user_id", unique=True),
    )

    id: Mapped[Key]
    rating: Mapped[float]
    comment: Mapped[Long | None]
    user_id: Mapped[int] = mapped_column(BigInteger, index=True)
    event_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("events.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"), index=True
    )

    event: Mapped[Event | None] = relationship(lazy="raise", back_populates="feedbacks")
    session: Mapped[EventSession | None] = relationship(lazy="raise", back_populates="feedbacks")
    user: Mapped[User | None] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Feedback.user_id) == User.id"
    )


class UserFavouriteSession(Base):
    """A user wants to see a session."""

    __tablename__ = "user_favourite_sessions"
    __table_args__ = (UniqueConstraint("session_id", "user_id"),)

    id: Mapped[Key]
    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(BigInteger, index=True)

    session: Mapped[EventSession] = relationship(lazy="raise", back_populates="favourites")
    user: Mapped[User | None] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(UserFavouriteSession.user_id) == User.id"
    )


class VideoStream(OfEvent, Base):
    """A video room, or that of the whole event (`microlocation_id` null)."""

    __tablename__ = "video_streams"

    id: Mapped[Key]
    name: Mapped[str]
    url: Mapped[Url]
    microlocation_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("microlocations.id", ondelete="CASCADE"), unique=True
    )

    event: Mapped[Event] = relationship(lazy="raise", viewonly=True, primaryjoin="VideoStream.event_id == Event.id")


def _rating(figure: Any) -> Any:
    return select(figure).where(Feedback.session_id == EventSession.id).correlate_except(Feedback).scalar_subquery()


EventSession.average_rating = column_property(_rating(func.avg(Feedback.rating)))
EventSession.rating_count = column_property(_rating(func.count(Feedback.id)))
EventSession.favourite_count = column_property(
    select(func.count(UserFavouriteSession.id))
    .where(UserFavouriteSession.session_id == EventSession.id)
    .correlate_except(UserFavouriteSession)
    .scalar_subquery()
)
