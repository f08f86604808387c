"""Organizers' own Stripe accounts: linked, changed, removed; their secrets encrypted all the while."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from chassis import clock
from chassis.errors import Conflict
from chassis.outbox import publish
from services.payments import config, queries, statements
from services.payments.clients.accounts import accounts
from services.payments.domain.attempts import LIVE, Status
from services.payments.domain.authorizations import Keys
from services.payments.models.payments import Payment
from services.payments.models.refunds import Refund
from services.payments.models.stripe_authorizations import StripeAuthorization

BATCH = 100


class AlreadyLinked(Conflict):
    code = "stripe-already-linked"


class AccountInUse(Conflict):
    code = "stripe-account-in-use"


def refuse_second(session: Session, event_id: int) -> None:
    """Raises AlreadyLinked when the event has an account."""
    if queries.authorization_of_event(session, event_id) is not None:
        raise _already_linked()


def link(session: Session, event_id: int, keys: Keys) -> StripeAuthorization:
    """The event's card payments go to this account from now on. Raises AlreadyLinked, also when two come at once."""
    made = StripeAuthorization(event_id=event_id, webhook_path=secrets.token_urlsafe(32))
    _put(made, keys)
    session.add(made)
    try:
        session.flush()
    except IntegrityError:
        raise _already_linked() from None
    _tell(session, made)
    return made


def change(session: Session, linked: StripeAuthorization, keys: Keys) -> None:
    """New keys of the same account, or another account while nothing was ever paid into this one. Raises AccountInUse."""
    if keys.user_id != linked.stripe_user_id and _has_payments(session, linked):
        raise AccountInUse("Payments were made to this Stripe account. Remove it, then link the other one.")
    if keys.user_id != linked.stripe_user_id:
        linked.webhook_secret_sealed = linked.webhook_reference = ""
    _put(linked, keys)
    _tell(session, linked)


def remove(session: Session, linked: StripeAuthorization) -> None:
    """No new charge goes to this account. Its secret stays for refunds; see `erase_secrets`."""
    linked.deleted_at = clock.now()
    _tell(session, linked)


def of_webhook(session: Session, path: str) -> StripeAuthorization | None:
    """The account whose endpoint has this random path."""
    return session.scalars(select(StripeAuthorization).where(StripeAuthorization.webhook_path == path)).first()


def webhook_secret(linked: StripeAuthorization) -> str:
    """The secret of the account's endpoint; empty when it has none."""
    if not linked.webhook_secret_sealed:
        return ""
    return accounts().vault.decrypt(linked.webhook_secret_sealed, belongs_to=linked.place("webhook"))


def reencrypt_secrets(session: Session) -> None:
    """Encrypts with the newest key what an older one encrypted."""
    vault = accounts().vault
    rows = session.scalars(select(StripeAuthorization).where(StripeAuthorization.erased_at.is_(None)).with_for_update())
    for linked in rows:
        for column, kind in _SEALED.items():
            sealed = getattr(linked, column)
            if sealed and not vault.is_current(sealed):
                secret = vault.decrypt(sealed, belongs_to=linked.place(kind))
                setattr(linked, column, vault.encrypt(secret, belongs_to=linked.place(kind)))


def without_webhook(session: Session) -> Sequence[StripeAuthorization]:
    """Accounts that do not tell us yet what happens on them."""
    wanted = select(StripeAuthorization).where(
        StripeAuthorization.deleted_at.is_(None), StripeAuthorization.webhook_secret_sealed == ""
    )
    return session.scalars(wanted.limit(BATCH)).all()


def keep_webhook(session: Session, authorization_id: int, reference: str, secret: str) -> None:
    """The endpoint and its secret, encrypted."""
    linked = session.get_one(StripeAuthorization, authorization_id, with_for_update=True)
    linked.webhook_reference = reference
    linked.webhook_secret_sealed = accounts().vault.encrypt(secret, belongs_to=linked.place("webhook"))


def finished(session: Session, window: datetime) -> Sequence[StripeAuthorization]:
    """Removed accounts with nothing open, no refund under way and nothing captured since `window` that could still go back."""
    of_it = Payment.authorization_id == StripeAuthorization.id
    is_refundable = (Payment.status == Status.CAPTURED) & (Payment.captured_at > window)
    is_going_back = exists().where(Refund.payment_id == Payment.id, Refund.status == "pending")
    needed = exists().where(of_it, or_(Payment.status.in_(LIVE), Payment.close_wanted, is_refundable, is_going_back))
    gone = StripeAuthorization.deleted_at.is_not(None) & StripeAuthorization.erased_at.is_(None)
    return session.scalars(select(StripeAuthorization).where(gone, ~needed).limit(BATCH)).all()


def erase(session: Session, authorization_id: int) -> None:
    """Nothing of the account is kept but that there was one."""
    linked = session.get_one(StripeAuthorization, authorization_id, with_for_update=True)
    for column in _SEALED:
        setattr(linked, column, "")
    linked.stripe_email = ""
    linked.erased_at = clock.now()


def _already_linked() -> AlreadyLinked:
    return AlreadyLinked("This event has a Stripe account already. Remove it first.")


_SEALED = {
    "secret_key_sealed": "stripe-key",
    "refresh_token_sealed": "refresh-token",
    "webhook_secret_sealed": "webhook",
}


def _put(linked: StripeAuthorization, keys: Keys) -> None:
    vault = accounts().vault
    linked.stripe_publishable_key = keys.publishable_key
    linked.stripe_user_id = keys.user_id
    linked.stripe_email = keys.email
    linked.secret_key_sealed = vault.encrypt(keys.secret_key, belongs_to=linked.place("stripe-key"))
    linked.refresh_token_sealed = (
        vault.encrypt(keys.refresh_token, belongs_to=linked.place("refresh-token")) if keys.refresh_token else ""
    )


def _has_payments(session: Session, linked: StripeAuthorization) -> bool:
    return bool(session.scalar(select(exists().where(Payment.authorization_id == linked.id))))


def _tell(session: Session, linked: StripeAuthorization) -> None:
    """Says the event's new state. The caller holds the event's only live row, so versions never cross."""
    session.flush()
    of_event = select(func.coalesce(func.max(StripeAuthorization.version), 0) + 1)
    linked.version = session.scalar(of_event.where(StripeAuthorization.event_id == linked.event_id)) or 1
    said = statements.authorization_changed(linked, config.current().data_epoch)
    publish(session, said, key=f"event/{linked.event_id}")
