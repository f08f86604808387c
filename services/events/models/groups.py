"""Groups: series of events by the same people, and who follows them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from chassis import clock
from services.events.models.base import Base, Json, Key, Long, SoftlyDeleted, Url

if TYPE_CHECKING:
    from services.events.models.events import Event
    from services.events.models.users import User


class Group(SoftlyDeleted, Base):
    """A series of events, run by the user who made it."""

    __tablename__ = "groups"

    id: Mapped[Key]
    name: Mapped[str]
    user_id: Mapped[int] = mapped_column(BigInteger, index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    social_links: Mapped[Json | None]
    logo_url: Mapped[Url | None]
    banner_url: Mapped[Url | None]
    is_promoted: Mapped[bool] = mapped_column(default=False)
    about: Mapped[Long | None]

    events: Mapped[list[Event]] = relationship(lazy="raise", back_populates="group", viewonly=True)
    user: Mapped[User | None] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(Group.user_id) == User.id"
    )
    followers: Mapped[list[UserFollowGroup]] = relationship(lazy="raise", back_populates="group", viewonly=True)
    follower_count: ClassVar[Any]  # added below, where followers exist
    follower: Mapped[UserFollowGroup | None] = relationship(lazy="raise", viewonly=True, uselist=False)


class UserFollowGroup(Base):
    """A user wants to hear of a group's events."""

    __tablename__ = "user_follow_groups"
    __table_args__ = (UniqueConstraint("group_id", "user_id"),)

    id: Mapped[Key]
    group_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("groups.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(BigInteger, index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    group: Mapped[Group] = relationship(lazy="raise", back_populates="followers")
    user: Mapped[User | None] = relationship(
        lazy="raise", viewonly=True, primaryjoin="foreign(UserFollowGroup.user_id) == User.id"
    )


Group.follower_count = column_property(
    select(func.count(UserFollowGroup.id))
    .where(UserFollowGroup.group_id == Group.id)
    .correlate_except(UserFollowGroup)
    .scalar_subquery()
)
