"""Reads and locks that deserve a name. Lock order: a payment's row before its refunds."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased

from services.payments.domain.attempts import LIVE, PAID
from services.payments.domain.refunds import RefundTooLarge
from services.payments.models.event_roles import EventRole
from services.payments.models.payments import Payment
from services.payments.models.refunds import Refund
from services.payments.models.stripe_authorizations import StripeAuthorization


def attempts_of_order_locked(db: Session, order_identifier: str) -> Sequence[Payment]:
    """All attempts of an order, oldest first, locked."""
    wanted = select(Payment).where(Payment.order_identifier == order_identifier)
    return db.scalars(wanted.order_by(Payment.attempt).with_for_update()).all()


def payment_locked(db: Session, payment_id: uuid.UUID) -> Payment | None:
    """The payment as it is now, locked."""
    return db.get(Payment, payment_id, with_for_update=True, populate_existing=True)


def payment_by_reference(db: Session, mode: str, reference: str) -> Payment | None:
    """The payment that the provider knows by this id."""
    if not reference:
        return None
    return db.scalars(select(Payment).where(Payment.mode == mode, Payment.provider_reference == reference)).first()


def standing_of_order(db: Session, order_identifier: str) -> Payment | None:
    """The attempt that says how an order's payment stands: the paid one, else the live one, else the last."""
    wanted = select(Payment).where(Payment.order_identifier == order_identifier).order_by(Payment.attempt)
    return standing(db.scalars(wanted).all())


def standing(attempts: Sequence[Payment]) -> Payment | None:
    """See `standing_of_order`. Money that is there beats money that went back."""
    for statuses in ({"captured"}, LIVE):
        for attempt in attempts:
            if attempt.status in statuses:
                return attempt
    return attempts[-1] if attempts else None


def captured_of_order_locked(db: Session, order_identifier: str) -> Sequence[Payment]:
    """The attempts of an order that brought money, by id, locked."""
    wanted = select(Payment).where(Payment.order_identifier == order_identifier, Payment.status.in_(PAID))
    return db.scalars(wanted.order_by(Payment.id).with_for_update()).all()


def promised_minor(db: Session, payment_id: uuid.UUID) -> int:
    """What refunds of a payment have given back or are about to. Read under the payment's lock."""
    wanted = select(func.coalesce(func.sum(Refund.amount_minor), 0))
    return int(db.scalar(wanted.where(Refund.payment_id == payment_id, Refund.status != "failed")) or 0)


def due_attempts(db: Session, now: datetime, limit: int) -> Sequence[uuid.UUID]:
    """Attempts that reconciliation should ask about, the longest due first."""
    wanted = select(Payment.id).where(Payment.ask_at <= now).order_by(Payment.ask_at).limit(limit)
    return db.scalars(wanted).all()


def due_refunds(db: Session, now: datetime, limit: int) -> Sequence[uuid.UUID]:
    """Refunds that should be tried, or asked about, now."""
    wanted = select(Refund.id).where(Refund.try_at <= now).order_by(Refund.try_at).limit(limit)
    return db.scalars(wanted).all()


def is_still_owed(since: datetime) -> ColumnElement[bool]:
    """Criterion: a refund that was refused since then, without a later one of the same payment that arrived."""
    later = aliased(Refund)
    made_up_for = exists().where(
        later.payment_id == Refund.payment_id, later.status == "succeeded", later.created_at > Refund.created_at
    )
    return (
        (Refund.status == "failed") & (Refund.settled_at > since) & (Refund.code != RefundTooLarge.code) & ~made_up_for
    )


def is_late(since: datetime) -> ColumnElement[bool]:
    """Criterion: a refund that was decided before then and has not reached its provider. Under way there it may take days."""
    return (Refund.status == "pending") & (Refund.provider_reference == "") & (Refund.created_at < since)


def authorization_of_event(db: Session, event_id: int) -> StripeAuthorization | None:
    """The organizer's Stripe account that new charges of the event go to."""
    wanted = select(StripeAuthorization)
    return db.scalars(
        wanted.where(StripeAuthorization.event_id == event_id, StripeAuthorization.deleted_at.is_(None))
    ).first()


def known_roles(db: Session, event_id: int, user_id: int) -> list[str] | None:
    """What the replica knows; None when it has never heard of this pair."""
    wanted = select(EventRole.roles).where(EventRole.event_id == event_id, EventRole.user_id == user_id)
    return db.scalar(wanted)
