"""Giving money back: decided under the payment's lock, carried out later by a worker, told when it is known."""

import logging
import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from chassis import clock, messages
from chassis.outbox import publish
from proto.orders.orders_pb2 import RefundRequested
from services.payments import queries, statements
from services.payments.commands import leases
from services.payments.commands.attempts import account_of
from services.payments.commands.settling import book
from services.payments.domain import ledger
from services.payments.domain.attempts import PAID, News, Status, after
from services.payments.domain.refunds import RefundTooLarge, amount_to_refund
from services.payments.domain.reports import RefundNews, RefundReport
from services.payments.models.payments import Payment
from services.payments.models.refunds import Refund

log = logging.getLogger(__name__)

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=30)


def request_refunds(db: Session, request: RefundRequested) -> None:
    """Writes what is to be refunded, once per key and payment. What cannot be is told at once."""
    payments = _payments_of(db, request)
    if not payments:
        message = "There is no payment that could be refunded."
        refused = statements.refund_refused(request.refund_key, request.order_identifier, message)
        publish(db, refused, key=request.order_identifier)
    for payment in payments:
        _request_one(db, payment, request)


def take(db: Session, refund_id: uuid.UUID) -> tuple[Payment, Refund] | None:
    """A lease on a refund that is still to do. None when it is settled, or somebody else is at it.

    Whether its account can be reached at all is found out afterwards: what cannot be done must not be tried first for ever.
    """
    refund = db.get(Refund, refund_id, with_for_update=True)
    now = clock.now()
    if refund is None or refund.status != "pending" or (refund.call_until is not None and refund.call_until > now):
        return None
    payment = db.get_one(Payment, refund.payment_id)
    refund.tries += 1
    refund.call_until = refund.try_at = leases.end()
    return payment, refund


def settle_refund(db: Session, refund_id: uuid.UUID, report: RefundReport, *, ends_call: bool = True) -> None:
    """Applies what a provider says about a refund, once. Says PaymentRefunded when it is known."""
    refund = db.get_one(Refund, refund_id)
    payment = queries.payment_locked(db, refund.payment_id)
    db.refresh(refund, with_for_update=True)
    assert payment is not None  # noqa: S101 (a foreign key)
    if ends_call:
        refund.call_until = None
    refund.provider_reference = refund.provider_reference or report.reference
    if refund.status == "pending" and report.state in ("succeeded", "failed"):
        _end(db, payment, refund, report)
    elif refund.status == "succeeded" and report.state == "failed":
        _take_back(db, payment, refund, report)
    elif refund.status == "pending" and ends_call:
        refund.try_at = clock.now() + min(FIRST_WAIT * 2 ** min(refund.tries, 12), LONGEST_WAIT)


def hear(db: Session, account: str, news: RefundNews) -> bool:
    """Applies what a provider tells of a refund at this account by itself. Whether we know it now, or it is none of our business.

    One that was made there without us (in the provider's own dashboard) is taken into the books and told like any other.
    """
    known = _known(db, news)
    found = (
        db.get_one(Payment, known.payment_id)
        if known is not None
        else queries.payment_by_reference(db, account.partition("/")[0], news.payment_reference)
    )
    if found is not None and account_of(db, found) != account:
        log.warning("a refund of a payment of another account", extra={"provider": account})
        return True
    if known is not None:
        settle_refund(db, known.id, news.report, ends_call=False)
        return known.amount_minor == news.amount_minor
    if found is None or news.report.state != "succeeded":
        return True
    return _adopt(db, found.id, news)


def postpone(db: Session, refund_id: uuid.UUID) -> None:
    """The provider does nothing now: later."""
    settle_refund(db, refund_id, RefundReport("lost"))


def _payments_of(db: Session, request: RefundRequested) -> Sequence[Payment]:
    if not request.payment_id:
        return queries.captured_of_order_locked(db, request.order_identifier)
    try:
        payment = queries.payment_locked(db, uuid.UUID(request.payment_id))
    except ValueError:
        return []
    return [payment] if payment is not None and payment.status in PAID else []


def _known(db: Session, news: RefundNews) -> Refund | None:
    try:
        found = db.get(Refund, uuid.UUID(news.refund_id))
    except ValueError:
        found = None
    return found or db.scalars(select(Refund).where(Refund.provider_reference == news.report.reference)).first()


def _adopt(db: Session, payment_id: uuid.UUID, news: RefundNews) -> bool:
    payment = queries.payment_locked(db, payment_id)
    if payment is None or _known(db, news) is not None:
        return payment is not None
    left = payment.captured_minor - queries.promised_minor(db, payment.id)
    if news.amount_minor > left or news.currency != payment.captured_currency:
        log.error("a refund that our books have no room for", extra={"reference": news.report.reference})
        return False
    made = Refund(
        refund_key=f"provider:{news.report.reference}",
        payment_id=payment.id,
        amount_minor=news.amount_minor,
        currency=news.currency,
        reason="Made at the provider.",
        status="pending",
    )
    db.add(made)
    db.flush()
    settle_refund(db, made.id, news.report, ends_call=False)
    return True


def _request_one(db: Session, payment: Payment, request: RefundRequested) -> None:
    status, message = "pending", ""
    try:
        promised = queries.promised_minor(db, payment.id)
        amount = amount_to_refund(payment.captured_minor, promised, request.amount_minor)
        if amount == 0:
            status = "succeeded"  # all of it has gone back, or is on its way, under another key
    except RefundTooLarge as refusal:
        amount, status, message = request.amount_minor, "failed", refusal.detail
    row = {
        "id": messages.new_id(),
        "refund_key": request.refund_key,
        "payment_id": payment.id,
        "amount_minor": amount,
        "currency": payment.captured_currency,
        "reason": request.reason,
        "status": status,
        "code": RefundTooLarge.code if message else "",
        "message": message,
        "provider_reference": "",
        "tries": 0,
        "created_at": clock.now(),
        "try_at": clock.now() if status == "pending" else None,
        "settled_at": None if status == "pending" else clock.now(),
    }
    statement = insert(Refund).values(row).on_conflict_do_nothing().returning(Refund)
    made = db.scalars(statement).one_or_none()
    if made is not None and status != "pending":
        publish(db, statements.refunded(payment, made), key=payment.order_identifier)


def _end(db: Session, payment: Payment, refund: Refund, report: RefundReport) -> None:
    refund.status = report.state
    refund.code, refund.message = report.code, report.message
    refund.settled_at, refund.try_at = clock.now(), None
    if report.state == "succeeded":
        payment.refunded_minor += refund.amount_minor
        if payment.refunded_minor == payment.captured_minor:
            payment.status = after(Status(payment.status), News.REFUNDED)
        account = account_of(db, payment)
        moved = ledger.refund(account, payment.event_id, str(refund.id), refund.amount_minor, refund.currency)
        book(db, moved, payment.id)
    else:
        log.error("a refund failed for good", extra={"refund_id": str(refund.id), "code": report.code})
    publish(db, statements.refunded(payment, refund), key=payment.order_identifier)


def _take_back(db: Session, payment: Payment, refund: Refund, report: RefundReport) -> None:
    """The money could not reach the buyer and is with the provider again."""
    refund.status, refund.code, refund.message = "failed", report.code, report.message
    payment.refunded_minor -= refund.amount_minor
    payment.status = after(Status(payment.status), News.REFUND_FAILED)
    account = account_of(db, payment)
    moved = ledger.refund_returned(account, payment.event_id, str(refund.id), refund.amount_minor, refund.currency)
    book(db, moved, payment.id)
    log.error("a refund came back", extra={"refund_id": str(refund.id), "code": report.code})
    publish(db, statements.refunded(payment, refund), key=payment.order_identifier)
