"""A person proves an address: whoever comes under it is they."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.orders.models import Attendee


def claim(db: Session, user_id: int, email: str) -> None:
    """Attendees under an address that nobody had proved are now this user, who has. One that is being changed is left out."""
    unclaimed = (
        select(Attendee.id)
        .where(func.lower(Attendee.email) == email.lower(), Attendee.user_id.is_(None))
        .with_for_update(skip_locked=True)
    )
    db.execute(update(Attendee).where(Attendee.id.in_(unclaimed)).values(user_id=user_id))
