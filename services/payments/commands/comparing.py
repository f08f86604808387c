"""The providers' books against ours."""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis import clock, db
from chassis.errors import DomainError
from services.payments import queries
from services.payments.clients.accounts import accounts
from services.payments.clients.providers import Provider
from services.payments.commands import refunds
from services.payments.commands.attempts import account_of
from services.payments.commands.settling import settle
from services.payments.domain.attempts import PAID
from services.payments.domain.reports import ChargeNews, Movement, RefundNews
from services.payments.models.payments import Payment
from services.payments.models.stripe_authorizations import StripeAuthorization

log = logging.getLogger(__name__)

CLOCKS_DIFFER = timedelta(minutes=10)


def compare(since: datetime) -> Mapping[str, int | None]:
    """By account, how many charges and refunds since then only one side knows, or both know differently; None where it did
    not show its books.

    An entrance: opens its own transactions, none of them while a provider is asked. What we missed is settled on the way.
    """
    return {account: _compared(account, open_, since) for account, open_ in _accounts()}


def _compared(account: str, open_: Callable[[], Provider], since: datetime) -> int | None:
    asked_at = clock.now()
    try:
        provider = open_()
        movements = list(provider.movements(since))
    except DomainError as error:
        log.warning("books not compared", extra={"provider": account, "code": error.code})
        return None
    unmatched = sum(not db.run(partial(_matches, movement=movement, account=account)) for movement in movements)
    theirs = {movement.report.reference for movement in movements}
    with db.transaction() as session:
        return unmatched + _missing_there(session, provider, since, asked_at, theirs)


def is_ours(account: str) -> bool:
    """Whether it is the platform's, and no organizer's, who may close theirs at any time."""
    return "/" not in account


def _accounts() -> Iterator[tuple[str, Callable[[], Provider]]]:
    """Each account and how to come by it, which fails where what opens its key is lost."""
    ours = accounts()
    for provider in (ours.stripe, ours.paypal):
        if provider is not None:
            yield provider.account, partial(_itself, provider)
    with db.transaction() as session:
        links = session.scalars(select(StripeAuthorization).where(StripeAuthorization.erased_at.is_(None))).all()
    for link in links:
        yield link.account, partial(ours.of_organizer, link)


def _itself(provider: Provider) -> Provider:
    return provider


def _matches(session: Session, movement: Movement, account: str) -> bool:
    """Whether we know it, now."""
    if isinstance(movement, RefundNews):
        is_known = refunds.hear(session, account, movement)
    else:
        is_known = _is_charge_known(session, account, movement)
    if not is_known:
        log.error("unmatched", extra={"provider": account, "reference": movement.report.reference})
    return is_known


def _is_charge_known(session: Session, account: str, movement: ChargeNews) -> bool:
    payment = _payment(session, movement.payment_id)
    if payment is None:
        return False
    if account_of(session, payment) != account:  # whoever owns an account can write any id of ours into its books
        log.warning("a charge in the name of a payment of another account", extra={"provider": account})
        return True
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
