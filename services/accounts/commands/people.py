"""Signing up, confirming an address, and what admins and people change of a user."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.errors import BadRequest, Conflict, Forbidden, Gone
from services.accounts import config, mails, messages, queries
from services.accounts.commands import mail_tokens, sessions
from services.accounts.domain import policy
from services.accounts.domain.emails import Address, read_address
from services.accounts.models import User


class EmailTaken(Conflict):
    code = "email-taken"

    def __init__(self) -> None:
        super().__init__(
            "There is already a user with this e-mail address.", source={"pointer": "/data/attributes/email"}
        )


class UserHasOrders(Conflict):
    """The user has bought tickets for events that have not ended (409)."""

    code = "user-has-orders"

    def __init__(self, orders: int) -> None:
        super().__init__(
            "This user has tickets for events that are still to come. Cancel these orders first, or erase the user.",
            meta={"orders": orders},
        )


@dataclass(frozen=True)
class Account:
    """What a login needs: an address and the hash of a password."""

    address: Address
    password_hash: str


def sign_up(db: Session, account: Account, profile: Mapping[str, Any]) -> User:
    """A new, unverified user, and the mail that verifies. Raises EmailTaken, also when two sign up at once."""
    user = _insert(db, account, profile)
    mail_verification(db, user)
    messages.tell_user_changed(db, user)
    return user


def create_super_admin(db: Session, account: Account) -> User | None:
    """The first super admin; None when there ever was one, or when the address is taken."""
    db.execute(sa.text("SELECT pg_advisory_xact_lock(4217102)"))
    if queries.has_super_admin(db):
        return None
    rights = {"is_super_admin": True, "is_admin": True, "is_verified": True}
    user = _insert(db, account, rights)
    messages.tell_user_changed(db, user)
    return user


def mail_verification(db: Session, user: User) -> None:
    """Mails a new token; older ones stay valid, since mails overtake each other."""
    hours = config.current().verification_hours
    mailed = mail_tokens.make(db, user, mail_tokens.VERIFY, timedelta(hours=hours))
    mails.send_verification(db, user, mailed.token, number=mailed.number, hours=hours)


def verify_email(db: Session, token: str) -> User:
    """Marks the address as verified. Raises BadRequest for a token that is unknown, used, too old or of another address."""
    proof = mail_tokens.use(db, mail_tokens.VERIFY, token)
    user = None if proof is None else queries.lock_user(db, proof.user_id)
    if proof is None or user is None or user.email_key != proof.email_key:
        raise BadRequest(
            "This link is not valid or was used already. You can ask for a new one.",
            code="verification-token-invalid",
            source={"pointer": "/data/token"},
        )
    mail_tokens.close(db, user.id, mail_tokens.VERIFY)
    if not user.is_verified:
        user.is_verified = True
        messages.tell_user_changed(db, user)
    return user


def read_changes(db: Session, claims: Claims, user: User, values: dict[str, Any]) -> None:
    """Leaves in `values` what this caller may change of this user, and does what the change entails.

    A new address has to be verified anew and needs a fresh token; blocking and demoting end all sessions. Whatever is
    refused raises before anything is written.
    """
    policy.require_power_over(claims, user)
    if user.erased_at is not None:
        raise Gone("This user was erased. Nobody can bring them back.", code="user-erased")
    kept = policy.settable(claims, user, values, {name: getattr(user, name) for name in values if hasattr(user, name)})
    values.clear()
    values.update({name: value for name, value in kept.items() if not _is_missing_flag(name, value)})
    if "email" in values:
        _change_address(db, claims, user, values)
    is_demoted = any(getattr(user, name) and values.get(name) is False for name in POWERS)
    if is_demoted or (values.get("is_blocked") and not user.is_blocked):
        sessions.end_sessions(db, user.id)


def delete_user(db: Session, claims: Claims, user: User) -> None:
    """Deletes softly: the address is free again, nobody logs in, replicas forget. Raises Forbidden while a team needs them."""
    policy.require_deletable(claims, user)
    if user.team_roles:
        raise Forbidden(
            "This user still belongs to the team of an event. Leave or hand over the event first.",
            code="user-has-events",
            meta={"roles": sorted(user.team_roles)},
        )
    user.deleted_at = clock.now()
    sessions.end_sessions(db, user.id)
    messages.tell_user_changed(db, user)


POWERS = ("is_admin", "is_sales_admin", "is_marketer")


def _is_missing_flag(name: str, value: Any) -> bool:
    """Clients send null for what they do not know; a flag has no null."""
    return value is None and name.startswith(("is_", "was_"))


def is_new_address(user: User, address: Address) -> bool:
    """Whether it may be another mailbox. Keys do not tell: ß and ss have the same, and belong to two people."""
    return address.text.lower() != user.email.lower()


def _change_address(db: Session, claims: Claims, user: User, values: dict[str, Any]) -> None:
    address = read_address(values.pop("email"))
    if not is_new_address(user, address):
        values["email"] = address.text
        return
    if not claims.is_fresh:
        raise Forbidden(
            "Please enter your password again before you change the e-mail address.",
            code="fresh-token-required",
            source={"pointer": "/data/attributes/email"},
        )
    if queries.living_user(db, address.text) not in (None, user):
        raise EmailTaken
    old = user.email
    user.email, user.email_key = address.text, address.key
    try:
        db.flush()
    except IntegrityError as error:  # somebody took it since we looked
        raise EmailTaken from error
    values["is_verified"] = False
    for purpose in (mail_tokens.RESET, mail_tokens.VERIFY):  # those of the old address, also where its key is the same
        mail_tokens.close(db, user.id, purpose)
    mails.send_email_changed(db, user, old)
    mail_verification(db, user)


def _insert(db: Session, account: Account, values: Mapping[str, Any]) -> User:
    """The index on living addresses decides who was first."""
    statement = (
        insert(User)
        .values(
            email=account.address.text,
            email_key=account.address.key,
            password_hash=account.password_hash,
            version=0,
            created_at=clock.now(),
            **values,
        )
        .on_conflict_do_nothing(index_elements=["email_key"], index_where=User.deleted_at.is_(None))
        .returning(User)
    )
    user = db.scalar(statement)
    if user is None:
        raise EmailTaken
    return user
