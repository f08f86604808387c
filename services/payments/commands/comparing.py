"""The providers' books against ours."""

import logging
import uuid
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis import db
from chassis.errors import Unavailable
from services.payments import queries
from services.payments.clients.accounts import accounts
from services.payments.clients.providers import Provider
from services.payments.commands.attempts import account_of
from services.payments.commands.settling import settle
from services.payments.domain.attempts import PAID
from services.payments.domain.reports import Movement
from services.payments.models.payments import Payment
from services.payments.models.refunds import Refund
from services.payments.models.stripe_authorizations import StripeAuthorization

log = logging.getLogger(__name__)


def compare(since: datetime) -> int:
    """How many charges and refunds since then only one side knows, or both know differently.

    An entrance: opens its own transactions, none of them while a provider is asked. Captures that we missed are settled.
    """
    unmatched = 0
    for provider in _providers():
        try:
            movements = list(provider.movements(since))
        except Unavailable as error:
            log.warning("books not compared", extra={"provider": provider.account, "code": error.code})
            continue
        theirs = {movement.reference for movement in movements}
        unmatched += sum(not _matches(movement) for movement in movements)
        with db.transaction() as session:
            unmatched += _missing_there(session, provider, since, theirs)
    return unmatched


def _providers() -> Iterator[Provider]:
    ours = accounts()
    yield from (provider for provider in (ours.stripe, ours.paypal) if provider is not None)
    with db.transaction() as session:
        links = session.scalars(select(StripeAuthorization).where(StripeAuthorization.erased_at.is_(None))).all()
    for link in links:
        yield ours.of_organizer(link)


def _matches(movement: Movement) -> bool:
    """Whether we know it, now."""
    with db.transaction() as session:
        known = _charge(session, movement) if movement.kind == "charge" else _refund(session, movement)
    if not known:
        log.error(
            "unmatched",
            extra={"kind": movement.kind, "reference": movement.reference, "payment_id": movement.payment_id},
        )
    return known


def _charge(session: Session, movement: Movement) -> bool:
    payment = _payment(session, movement.payment_id)
    if payment is None:
        return False
    if payment.status not in PAID and movement.report is not None:
        log.error("money that nobody told us of", extra={"payment_id": movement.payment_id})
        payment = settle(session, payment.id, movement.report, ends_call=False)
    return (payment.provider_reference, payment.captured_minor, payment.captured_currency) == (
        movement.reference,
        movement.amount_minor,
        movement.currency,
    )


def _refund(session: Session, movement: Movement) -> bool:
    wanted = select(Refund).where(Refund.provider_reference == movement.reference)
    refund = session.scalars(wanted).first()
    return refund is not None and refund.amount_minor == movement.amount_minor and refund.status != "failed"


def _payment(session: Session, payment_id: str) -> Payment | None:
    try:
        return queries.payment_locked(session, uuid.UUID(payment_id))
    except ValueError:
        return None


def _missing_there(session: Session, provider: Provider, since: datetime, theirs: set[str]) -> int:
    """Captures in our books that the provider's list does not have."""
    wanted = select(Payment).where(Payment.created_at >= since, Payment.status.in_(PAID))
    missing = 0
    for payment in session.scalars(wanted).all():
        if account_of(session, payment) == provider.account and payment.provider_reference not in theirs:
            log.error("the provider does not list this payment", extra={"payment_id": str(payment.id)})
            missing += 1
    return missing
