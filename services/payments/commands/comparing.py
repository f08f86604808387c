"""The providers' books against ours."""

import logging
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis import clock, db
from chassis.errors import Unavailable
from services.payments import queries
from services.payments.clients.accounts import accounts
from services.payments.clients.providers import Provider
from services.payments.commands import refunds
from services.payments.commands.attempts import account_of
from services.payments.commands.settling import settle
from services.payments.domain.attempts import PAID
from services.payments.domain.reports import ChargeNews, Movement
from services.payments.models.payments import Payment
from services.payments.models.stripe_authorizations import StripeAuthorization

log = logging.getLogger(__name__)

CLOCKS_DIFFER = timedelta(minutes=10)


def compare(since: datetime) -> int:
    """How many charges and refunds since then only one side knows, or both know differently.

    An entrance: opens its own transactions, none of them while a provider is asked. What we missed is settled on the way.
    """
    unmatched = 0
    for provider in _providers():
        asked_at = clock.now()
        try:
            movements = list(provider.movements(since))
        except Unavailable as error:
            log.warning("books not compared", extra={"provider": provider.account, "code": error.code})
            continue
        unmatched += sum(
            not db.run(partial(_matches, movement=movement, mode=_mode(provider))) for movement in movements
        )
        theirs = {movement.report.reference for movement in movements}
        with db.transaction() as session:
            unmatched += _missing_there(session, provider, since, asked_at, theirs)
    return unmatched


def _providers() -> Iterator[Provider]:
    ours = accounts()
    yield from (provider for provider in (ours.stripe, ours.paypal) if provider is not None)
    with db.transaction() as session:
        links = session.scalars(select(StripeAuthorization).where(StripeAuthorization.erased_at.is_(None))).all()
    for link in links:
        yield ours.of_organizer(link)


def _mode(provider: Provider) -> str:
    return provider.account.partition("/")[0]


def _matches(session: Session, movement: Movement, mode: str) -> bool:
    """Whether we know it, now."""
    known = _charge(session, movement) if isinstance(movement, ChargeNews) else refunds.hear(session, mode, movement)
    if not known:
        log.error("unmatched", extra={"provider": mode, "reference": movement.report.reference})
    return known


def _charge(session: Session, movement: ChargeNews) -> bool:
    payment = _payment(session, movement.payment_id)
    if payment is None:
        return False
    report = movement.report
    if payment.status not in PAID:
        log.error("money that nobody told us of", extra={"payment_id": movement.payment_id})
        payment = settle(session, payment.id, report, ends_call=False)
    known = (payment.provider_reference, payment.captured_minor, payment.captured_currency)
    return known == (report.reference, report.amount_minor, report.currency)


def _payment(session: Session, payment_id: str) -> Payment | None:
    try:
        return queries.payment_locked(session, uuid.UUID(payment_id))
    except ValueError:
        return None


def _missing_there(session: Session, provider: Provider, since: datetime, until: datetime, theirs: set[str]) -> int:
    """Captures in our books that the provider's list, which it was asked for at `until`, does not have."""
    in_window = (Payment.created_at >= since + CLOCKS_DIFFER) & (Payment.captured_at <= until)
    wanted = select(Payment).where(in_window, Payment.status.in_(PAID))
    missing = 0
    for payment in session.scalars(wanted).all():
        if account_of(session, payment) == provider.account and payment.provider_reference not in theirs:
            log.error("the provider does not list this payment", extra={"payment_id": str(payment.id)})
            missing += 1
    return missing
