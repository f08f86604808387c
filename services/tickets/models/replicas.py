"""What other services own and tickets needs at hand."""

from sqlalchemy import ARRAY, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from chassis.replicas import Replica, ReplicaFill
from services.tickets.models.base import Address, Base, Big, Word


class Event(Replica, Base):
    """Events owns it. Newer than what an order carried: a moved event shows its new time and place on the tickets."""

    __tablename__ = "events"

    state: Mapped[bytes] = mapped_column(LargeBinary)


class EventRole(Replica, Base):
    """Events owns it: the roles of one user in one event; none when the user left the team."""

    __tablename__ = "event_roles"

    event_id: Mapped[Big]
    user_id: Mapped[Big]
    roles: Mapped[list[str]] = mapped_column(ARRAY(String(64)))

    __table_args__ = (Index("ix_event_roles_pair", "event_id", "user_id"),)


class User(Replica, Base):
    """Accounts owns it. The address tells which tickets to clear when a person is erased."""

    __tablename__ = "users"

    email: Mapped[Address]
    is_verified: Mapped[bool | None]  # whether the address was proved; None: an older version did not keep it


class Fill(ReplicaFill, Base):
    """Which replicas have been read from their owners."""

    kind: Mapped[Word] = mapped_column(primary_key=True)
