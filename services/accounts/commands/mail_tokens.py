"""Tokens that travel by mail: made, counted once, forgotten."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from chassis import clock
from services.accounts import minting, queries
from services.accounts.models import MailToken, User

VERIFY, RESET = "verify-email", "reset-password"


@dataclass(frozen=True)
class Mailed:
    """A token in the clear: for the mail, and nowhere else. `number` tells two mails to the same person apart."""

    token: str
    number: int


@dataclass(frozen=True)
class Proof:
    """Who showed a mailed token, and which address it proves."""

    user_id: int
    email_key: str


def make(db: Session, user: User, purpose: str, lifetime: timedelta) -> Mailed:
    """A new token for this person's address."""
    token, now = minting.new_secret(), clock.now()
    row = MailToken(
        user_id=user.id,
        purpose=purpose,
        email_key=user.email_key,
        token_hash=digest(token),
        created_at=now,
        expires_at=now + lifetime,
    )
    db.add(row)
    db.flush()
    return Mailed(token, row.id)


def use(db: Session, purpose: str, token: str) -> Proof | None:
    """Uses the token up, in one statement: of two requests at once one gets it, the other None."""
    statement = (
        sa.update(MailToken)
        .where(*queries.open_token(purpose, digest(token)))
        .values(used_at=clock.now())
        .returning(MailToken.user_id, MailToken.email_key)
    )
    row = db.execute(statement).first()
    return None if row is None else Proof(row.user_id, row.email_key)


def close(db: Session, user_id: int, purpose: str) -> None:
    """The other tokens of this purpose count no more."""
    db.execute(
        sa.update(MailToken)
        .where(MailToken.user_id == user_id, MailToken.purpose == purpose, MailToken.used_at.is_(None))
        .values(used_at=clock.now())
    )


def digest(token: str) -> bytes:
    """What is stored of a token: 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).digest()
