"""Who came in and went out, when and through which door."""

from sqlalchemy import BigInteger, ForeignKey, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.tickets.models.base import Base, Big, Moment, Text, Word


class Scan(Base):
    """One passage. The same passage told twice (a repeated call) is one row."""

    __tablename__ = "scans"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    attendee_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("tickets.attendee_id"))
    kind: Mapped[Word]  # in, out
    at: Mapped[Moment]
    door: Mapped[Text]
    scanned_by: Mapped[Big]

    __table_args__ = (UniqueConstraint("attendee_id", "kind", "at", name="uq_scans_passage"),)
