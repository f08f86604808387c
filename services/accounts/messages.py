"""What accounts tells the others, built from its rows."""

from datetime import datetime

from sqlalchemy.orm import Session

from chassis import auth
from chassis.db import on_commit
from chassis.messages import to_stamp
from chassis.outbox import publish
from proto.accounts import accounts_pb2 as pb
from services.accounts import config
from services.accounts.models import User

LAST = 2**62  # epoch and version of the erased: nothing is newer


def user_message(user: User) -> pb.User:
    """A user as others may know it. A deleted one is an id and nothing else."""
    if user.erased_at is not None:
        last = pb.User(id=user.id, epoch=LAST, version=LAST, deleted=True, erased=True, role="user")
        last.is_verified = user.is_verified
        return last
    message = pb.User(id=user.id, epoch=config.current().data_epoch, version=user.version, role=user.role)
    if user.deleted_at is not None:
        message.deleted = True
        message.role = "user"
        return message
    message.email = user.email
    message.first_name = user.first_name or ""
    message.last_name = user.last_name or ""
    message.is_verified = user.is_verified
    message.locale = user.language_prefrence or ""
    message.public_name = user.public_name or ""
    message.avatar_url = user.avatar_url or user.original_image_url or ""
    return message


def tell_user_changed(db: Session, user: User) -> None:
    """Raises the version and says UserChanged, in the transaction that changed it."""
    user.version += 1
    db.flush()
    publish(db, pb.UserChanged(user=user_message(user)), key=f"user:{user.id}")


def tell_sessions_ended(db: Session, user_id: int, session_id: str, moment: datetime) -> None:
    """Says SessionsEnded to every process; this one knows it when the transaction has committed."""
    publish(db, sessions_ended_message(user_id, session_id, moment), key=f"user:{user_id}")
    on_commit(db, lambda: auth.keyring().end(user_id, session_id, moment.timestamp()))


def sessions_ended_message(user_id: int, session_id: str, moment: datetime) -> pb.SessionsEnded:
    """The message that ends these sessions."""
    return pb.SessionsEnded(user_id=user_id, session_id=session_id, issued_before=to_stamp(moment))
