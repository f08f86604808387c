"""Forgotten and changed passwords."""

from datetime import timedelta

from sqlalchemy.orm import Session

from chassis.errors import BadRequest, NotFound
from services.accounts import mails, messages, queries
from services.accounts.commands import mail_tokens, sessions
from services.accounts.models import User

RESET_LIFETIME = timedelta(hours=1)


class InvalidResetToken(NotFound):
    code = "reset-token-invalid"

    def __init__(self) -> None:
        super().__init__(
            "This link is not valid, too old, or was used already. You can ask for a new one.",
            source={"pointer": "/data/token"},
        )


def ask_reset(db: Session, email: str) -> None:
    """Mails a token to the owner of this address, if there is one who may log in; else nothing, and nobody is told."""
    user = queries.living_user(db, email)
    if user is not None and not user.is_blocked:
        mailed = mail_tokens.make(db, user, mail_tokens.RESET, RESET_LIFETIME)
        mails.send_reset(db, user, mailed.token, number=mailed.number)


def reset(db: Session, token: str, password_hash: str) -> User:
    """Sets the password that the owner of the mailed token chose, and ends all sessions. Raises InvalidResetToken.

    Whoever got the mail has also proven the address.
    """
    proof = mail_tokens.use(db, mail_tokens.RESET, token)
    user = None if proof is None else queries.lock_user(db, proof.user_id)
    if proof is None or user is None or user.email_key != proof.email_key:
        raise InvalidResetToken
    user.is_verified = True
    _set(db, user, password_hash)
    sessions.end_sessions(db, user.id)
    return user


def change(db: Session, user_id: int, known_hash: str, password_hash: str, *, session_id: str) -> User:
    """Sets a new password where the old one (`known_hash`) was shown, and ends all other sessions."""
    user = queries.lock_user(db, user_id)
    if user is None or user.password_hash != known_hash:
        raise BadRequest("The old password is wrong.", code="wrong-password", source={"pointer": "/data/old-password"})
    _set(db, user, password_hash)
    sessions.end_sessions(db, user.id, but=session_id)
    return user


def _set(db: Session, user: User, password_hash: str) -> None:
    user.password_hash = password_hash
    mail_tokens.close(db, user.id, mail_tokens.RESET)
    messages.tell_user_changed(db, user)
    mails.send_password_changed(db, user)
