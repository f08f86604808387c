"""Forgetting a person: what is left is a number that nobody gets again."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from chassis import clock
from chassis.idempotency import answers
from chassis.mail import forget_about
from chassis.outbox import outbox
from proto.accounts import accounts_pb2 as pb
from services.accounts import mails, messages
from services.accounts.commands import sessions
from services.accounts.models import EmailNotification, LoginSession, MailToken, Notification, User, UserEmail

KEPT = frozenset(
    {"id", "version", "email", "email_key", "is_verified", "created_at", "deleted_at", "erased_at", "team_roles"}
)


def erase(db: Session, user: User) -> None:
    """Removes everything personal, here and by a message everywhere, queued mails and stored answers included.

    The message carries the highest epoch and version, so that no late message and no restored backup revives anybody.
    """
    sessions.end_sessions(db, user.id)
    forget_about(db, mails.about(user))
    _forget_answers(db, user)
    db.execute(
        sa.delete(outbox).where(outbox.c.key == f"user:{user.id}", outbox.c.type == pb.UserChanged.DESCRIPTOR.full_name)
    )
    for model in (UserEmail, Notification, EmailNotification, MailToken, LoginSession):
        db.execute(sa.delete(model).where(model.user_id == user.id))
    for column in sa.inspect(User).column_attrs:
        if column.key not in KEPT:
            setattr(user, column.key, False if column.key.startswith(("is_", "was_")) else None)
    user.email = user.email_key = f"user-{user.id}@erased.invalid"
    user.team_roles = []
    user.erased_at = clock.now()
    user.deleted_at = user.deleted_at or user.erased_at
    messages.tell_user_changed(db, user)


def _forget_answers(db: Session, user: User) -> None:
    """Answers kept for repeated requests: those to the person, and the one to their sign-up."""
    names_them = sa.func.convert_from(answers.c.body, "UTF8").contains(user.email, autoescape=True)
    paths = (f"/v1/users/{user.id}", f"/v1/users/{user.id}/%")
    is_theirs = sa.or_(answers.c.caller == str(user.id), *(answers.c.path.like(each) for each in paths), names_them)
    db.execute(sa.delete(answers).where(is_theirs))
