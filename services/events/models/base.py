"""What the tables of events have in common."""

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Integer, MetaData, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from chassis import clock, db

Key = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Long = Annotated[str, mapped_column(Text)]
Url = Annotated[str, mapped_column(String(2048))]
Json = Annotated[Any, mapped_column(JSONB)]

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(db.Base, DeclarativeBase):
    """All tables of this service."""

    __abstract__ = True
    metadata = MetaData(naming_convention=CONVENTION)
    type_annotation_map = {**db.Base.type_annotation_map, str: String(255), int: Integer}  # noqa: RUF012


class SoftlyDeleted:
    """Kept after deletion, and hidden."""

    deleted_at: Mapped[datetime | None] = mapped_column(default=None)


class Versioned:
    """What other services replicate. `version` grows with every commit that changes the row, see `telling`.

    Committed versions are even: a limit that orders was asked to keep before its commit has the odd number in between.
    """

    version: Mapped[int] = mapped_column(BigInteger, nullable=False)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 (a class it is)
        return {"version_id_col": cls.__dict__.get("version", cls.version), "version_id_generator": next_version}


def next_version(version: int | None) -> int:
    """The number after this one, with room for a limit in between."""
    return (version or 0) + 2


class OfEvent:
    """Belongs to one event."""

    event_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("events.id", ondelete="CASCADE"), index=True)


class OfOffer(OfEvent):
    """Belongs to what an event offers: a change makes remembered offers of this event stale, see `telling`."""
