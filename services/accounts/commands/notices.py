"""What a person is told inside the application."""

from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.accounts.models import EmailNotification, Notification, User


def welcome_to_team(db: Session, user_id: int, event_id: int, roles: Sequence[str]) -> None:
    """Tells somebody that they belong to an event's team, and keeps mail preferences for that event.

    Whoever made the event knows it; somebody we do not know (any more) is told nothing.
    """
    user = db.get(User, user_id)
    if user is None or user.deleted_at is not None:
        return
    preference = insert(EmailNotification).values(user_id=user_id, event_id=event_id, **_DEFAULTS)
    db.execute(preference.on_conflict_do_nothing(index_elements=["user_id", "event_id"]))
    if "owner" not in roles:
        content = {"type": "event-role", "target-type": "Event", "target-id": event_id, "roles": sorted(roles)}
        db.add(Notification(user_id=user_id, content=content))


_DEFAULTS = {
    "next_event": False,
    "new_paper": False,
    "session_accept_reject": False,
    "session_schedule": False,
    "after_ticket_purchase": True,
}
