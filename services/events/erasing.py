"""Forgetting a person: the programme keeps that somebody spoke, not who."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from chassis.idempotency import answers
from chassis.mail import forget_recipient
from services.events.models import Feedback, Inquiry, RoleInvite, Speaker, UserFavouriteSession, UserFollowGroup

KEPT_OF_SPEAKERS = frozenset({"id", "event_id", "name", "order", "is_featured", "is_email_overridden", "deleted_at"})
NOBODY = "Former speaker"


def forget(db: Session, user_id: int, email: str) -> None:
    """Removes what is personal here: mails, invitations, what a speaker told, comments, favourites, stored answers."""
    if email:
        forget_recipient(db, email)
        db.execute(sa.delete(RoleInvite).where(sa.func.lower(RoleInvite.email) == email.lower()))
    for speaker in db.scalars(sa.select(Speaker).where(_is_they(user_id, email)).with_for_update()):
        _empty(speaker)
    db.execute(sa.update(Feedback).where(Feedback.user_id == user_id).values(comment=None))
    for model in (Inquiry, UserFavouriteSession, UserFollowGroup):
        db.execute(sa.delete(model).where(model.user_id == user_id))
    db.execute(sa.delete(answers).where(answers.c.caller == str(user_id)))


def _is_they(user_id: int, email: str) -> Any:
    by_account = Speaker.user_id == user_id
    return sa.or_(by_account, sa.func.lower(Speaker.email) == email.lower()) if email else by_account


def _empty(speaker: Speaker) -> None:
    for column in sa.inspect(Speaker).column_attrs:
        if column.key not in KEPT_OF_SPEAKERS:
            setattr(speaker, column.key, None)
    speaker.name = NOBODY
