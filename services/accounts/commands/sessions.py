"""Logging in, refreshing, logging out.

The time is asked after the locks: what is issued after sessions were ended must also look later than their end.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from chassis import clock
from chassis.errors import Unauthorized
from services.accounts import keys, messages, minting, queries
from services.accounts.domain.rotation import REPEATED, Generation, Step, decide, shown_generation
from services.accounts.minting import Shown, Tokens
from services.accounts.models import EndedSession, LoginSession, RefreshToken, User

CLOCKS_DIFFER = timedelta(minutes=1)  # an ended session stays ended for tokens of machines whose clock is ahead


class WrongCredentials(Unauthorized):
    code = "wrong-credentials"

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class SessionEnded(Unauthorized):
    code = "session-ended"

    def __init__(self) -> None:
        super().__init__("This session has ended. Please log in again.")


@dataclass(frozen=True)
class Verified:
    """A user whose password was right, and the hash that proved it."""

    user_id: int
    password_hash: str
    new_hash: str | None = None


def open_session(db: Session, verified: Verified, lifetime: timedelta) -> Tokens:
    """A new session. Raises WrongCredentials when the password was changed meanwhile, Unauthorized for the blocked."""
    user = _still_valid(db, verified)
    now = user.last_accessed_at = clock.now()
    session = LoginSession(
        id=minting.new_id(), user_id=user.id, generation=0, created_at=now, expires_at=now + lifetime
    )
    db.add(session)
    db.flush()
    return _issue(db, user, session, now=now, is_fresh=True)


def freshen(db: Session, verified: Verified, session_id: str) -> Tokens:
    """A fresh access token in the same session, whose other tokens stay as they are. Raises SessionEnded."""
    user = _still_valid(db, verified)
    session = queries.lock_session(db, session_id)
    if session is None or session.user_id != user.id:
        raise SessionEnded
    current = queries.generations(db, session.id)[session.generation]
    signer = keys.signer(db)
    fresh = RefreshToken(
        session_id=session.id,
        generation=session.generation,
        jti=current.jti,
        csrf=current.csrf,
        access_jti=minting.new_id(),
        key_id=signer.key_id if signer else current.key_id,
        issued_at=clock.now(),
    )
    tokens = minting.tokens_of(db, user, session, fresh, is_fresh=True)
    if tokens is None:
        raise SessionEnded
    return tokens


def refresh(db: Session, shown: Shown, csrf: str) -> Tokens | None:
    """The successor of what was shown; None when it was used before: then the whole session has been ended.

    Raises SessionEnded, and changes nothing, when the session is over or its user is gone or blocked. Locks the session,
    so that of two requests with the same token the second finds the first one's successor and gets it, too.
    """
    session = queries.lock_session(db, shown.session_id)
    user = None if session is None else db.get(User, session.user_id)
    if session is None or user is None or user.is_blocked or user.deleted_at is not None:
        raise SessionEnded
    now = clock.now()
    rows = queries.generations(db, session.id)
    known = {number: Generation(row.jti, row.csrf, row.rotated_at) for number, row in rows.items()}
    number = shown_generation(known, shown.jti, csrf)
    step = decide(known, session.generation, number, now)
    if step is Step.REPEAT and number is not None:
        return minting.tokens_of(db, user, session, rows[number + 1], is_fresh=False)
    if step is Step.END or number is None:
        end_session(db, session)
        return None
    rows[number].rotated_at = now
    session.generation += 1
    forgotten = sa.delete(RefreshToken).where(
        RefreshToken.session_id == session.id, RefreshToken.rotated_at < now - REPEATED
    )
    db.execute(forgotten)
    return _issue(db, user, session, now=now, is_fresh=False)


def end_session(db: Session, session: LoginSession) -> None:
    """Ends one session, for every process and at once."""
    now = session.ended_at = clock.now()
    moment = now + CLOCKS_DIFFER
    db.add(EndedSession(user_id=session.user_id, session_id=session.id, ended_at=moment))
    messages.tell_sessions_ended(db, session.user_id, session.id, moment)


def end_sessions(db: Session, user_id: int, *, but: str | None = None) -> None:
    """Ends all sessions of a user, or all `but` the one in use."""
    criteria = [
        LoginSession.user_id == user_id,
        LoginSession.ended_at.is_(None),
        LoginSession.expires_at > clock.now(),
    ]
    if but is not None:
        criteria.append(LoginSession.id != but)
    found = db.scalars(sa.select(LoginSession).where(*criteria).order_by(LoginSession.id).with_for_update()).all()
    if but is not None:
        for session in found:
            end_session(db, session)
        return
    now = clock.now()
    for session in found:
        session.ended_at = now
    db.add(EndedSession(user_id=user_id, session_id="", ended_at=now))
    messages.tell_sessions_ended(db, user_id, "", now)


def _still_valid(db: Session, verified: Verified) -> User:
    """The user, locked. Blocking, demoting and changing the password take the same lock, so no login slips between."""
    user = queries.lock_user(db, verified.user_id)
    if user is None or user.password_hash != verified.password_hash:
        raise WrongCredentials
    if user.is_blocked:
        raise Unauthorized("This account is blocked. Please ask the support of this platform.", code="user-blocked")
    if verified.new_hash is not None:
        user.password_hash = verified.new_hash
    return user


def _issue(db: Session, user: User, session: LoginSession, *, now: datetime, is_fresh: bool) -> Tokens:
    signer = keys.signer(db)
    if signer is None:
        raise SessionEnded
    token = RefreshToken(
        session_id=session.id,
        generation=session.generation,
        jti=minting.new_secret(),
        csrf=minting.new_secret(),
        access_jti=minting.new_id(),
        key_id=signer.key_id,
        issued_at=now,
    )
    db.add(token)
    db.flush()
    tokens = minting.tokens_of(db, user, session, token, is_fresh=is_fresh)
    if tokens is None:
        raise SessionEnded
    return tokens
