"""Who has which roles in an event, as events says it."""

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from chassis.replicas import Replica
from services.payments.models import Base


class EventRole(Replica, Base):
    """All roles of one user in one event."""

    __tablename__ = "event_roles"
    __table_args__ = (Index("ix_event_roles_event_id_user_id", "event_id", "user_id", unique=True),)

    event_id: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int] = mapped_column(BigInteger)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
