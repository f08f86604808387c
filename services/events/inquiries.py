"""What people ask those who run an event: a mail to each of them, which is answered to the one who wrote."""

from datetime import timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.errors import Conflict, Forbidden, TooManyRequests
from chassis.mail import Mail, queue_mails
from services.events import config
from services.events.domain.letters import quoted, told_by
from services.events.domain.roles import PASSING
from services.events.models import Event, Inquiry, User, UsersEventsRoles

HOUR = timedelta(hours=1)
PER_USER, PER_EVENT = 5, 30


def ask(db: Session, claims: Claims, event: Event, words: str) -> None:
    """Mails the words to the owner and the organizers.

    Raises Forbidden (403) while the address that gets the answers is not confirmed, TooManyRequests beyond 5 an hour per
    person or 30 per event, Conflict (409) when nobody is there to read it.
    """
    if not claims.is_verified:
        raise Forbidden("Please confirm your e-mail address first.", code="unverified-user")
    recipients = _organizers(db, event.id)
    if not recipients:
        raise Conflict("Nobody who runs this event can be reached.", code="nobody-to-ask")
    made = _count(db, claims.user_id, event.id)
    sender = db.get(User, claims.user_id)
    name = "" if sender is None else sender.public_name or f"{sender.first_name} {sender.last_name}"
    link = f"{config.current().frontend_url}/e/{event.identifier}"
    letter = (
        f"Hello,\n\n{told_by(name, claims.email)} writes to you about “{event.name}” ({link}):\n\n"
        f"{quoted(words)}\n\nAn answer to this mail goes to {claims.email}. Your own address was not shown.\n"
    )
    queue_mails(
        db,
        [
            Mail(
                kind="inquiry",
                recipient=recipient,
                about=f"inquiry-{made.id}",
                subject=f"{event.name}: a question to the organizers",
                text=letter,
                reply_to=claims.email,
            )
            for recipient in recipients
        ],
    )


def _organizers(db: Session, event_id: int) -> list[str]:
    found = (
        select(User.email)
        .join(UsersEventsRoles, UsersEventsRoles.user_id == User.id)
        .where(
            UsersEventsRoles.event_id == event_id,
            UsersEventsRoles.role_id.in_(PASSING["organizer"]),
            User.is_deleted.is_(False),
            User.email != "",
        )
        .distinct()
        .order_by(User.email)
    )
    return list(db.scalars(found))


def _count(db: Session, user_id: int, event_id: int) -> Inquiry:
    """One at a time, so that many at once do not slip through."""
    db.execute(text("SELECT pg_advisory_xact_lock(13, 0)"))
    since = clock.now() - HOUR
    db.execute(delete(Inquiry).where(Inquiry.created_at <= since))
    of_user, of_event = (
        db.scalar(select(func.count()).select_from(Inquiry).where(criterion)) or 0
        for criterion in (Inquiry.user_id == user_id, Inquiry.event_id == event_id)
    )
    if of_user >= PER_USER or of_event >= PER_EVENT:
        raise TooManyRequests(
            "That is too many messages at once. Please wait.", retry_after_seconds=int(HOUR.total_seconds())
        )
    made = Inquiry(event_id=event_id, user_id=user_id)
    db.add(made)
    db.flush()
    return made
