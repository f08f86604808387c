"""What a provider told us becomes true here: status, ledger and message, in one transaction."""

import logging
import uuid
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy.orm import Session

from chassis import clock
from chassis.db import execute
from chassis.outbox import publish
from proto.payments.payments_pb2 import PaymentCaptured, PaymentFailed
from services.payments import queries, statements
from services.payments.commands.attempts import account_of
from services.payments.domain import ledger
from services.payments.domain.attempts import LIVE, News, Status, after, is_over
from services.payments.domain.reports import Report
from services.payments.models.payments import Payment

log = logging.getLogger(__name__)

SOON = timedelta(seconds=3)
DEFAULT_ASK = timedelta(seconds=30)
LONGEST_ASK = timedelta(minutes=15)

# One round trip. Accounts come into being with their first transfer; the foreign key is checked when all of it is there.
_BOOK = """
WITH accounts AS (
    INSERT INTO ledger_accounts (code) VALUES (%(debit)s), (%(credit)s) ON CONFLICT DO NOTHING
)
INSERT INTO ledger_transfers (kind, debit, credit, amount_minor, currency, reference, payment_id, booked_at)
VALUES (%(kind)s, %(debit)s, %(credit)s, %(amount_minor)s, %(currency)s, %(reference)s, %(payment_id)s, %(booked_at)s)
ON CONFLICT (reference) DO NOTHING
"""


def settle(db: Session, payment_id: uuid.UUID, report: Report, *, ends_call: bool) -> Payment:
    """Applies a report, once however often and in whatever order reports arrive. `ends_call`: the caller holds the lease.

    Says PaymentCaptured when money arrived, PaymentFailed when the attempt ended without any.
    """
    payment = queries.payment_locked(db, payment_id)
    if payment is None:
        raise LookupError(f"payment {payment_id}")
    before = Status(payment.status)
    payment.status = status = after(before, report.news)
    _learn(payment, report)
    if ends_call:
        payment.call_until = None
    if status == Status.CAPTURED and before != Status.CAPTURED:
        _capture(db, payment, report)
    elif is_over(status) and before in LIVE:
        _end(db, payment, report)
    if report.news in (News.CANCELLED, News.CAPTURED):
        payment.close_wanted = False
    ask_again(payment)
    return payment


def release(db: Session, payment_id: uuid.UUID) -> None:
    """Ends a lease without news: the call failed, or told nothing."""
    payment = queries.payment_locked(db, payment_id)
    if payment is not None:
        payment.call_until = None
        ask_again(payment)


def book(db: Session, transfer: ledger.Transfer, payment_id: uuid.UUID) -> None:
    """Writes one line of the ledger, unless its reference is there."""
    execute(db, _BOOK, {**asdict(transfer), "payment_id": payment_id, "booked_at": clock.now()})


def ask_again(payment: Payment) -> None:
    """Sets when reconciliation asks next: soon for what nobody knows, then less and less often; never for what is settled."""
    status = Status(payment.status)
    if status not in LIVE and not payment.close_wanted:
        payment.ask_at = None
        return
    wait = (SOON if payment.close_wanted or status is Status.UNKNOWN else DEFAULT_ASK) * 2 ** min(payment.asked, 12)
    due = clock.now() + min(wait, LONGEST_ASK)
    payment.ask_at = max(due, payment.call_until) if payment.call_until else due


def _learn(payment: Payment, report: Report) -> None:
    """Keeps what is new. A report that does not tell something does not unsay it."""
    payment.provider_reference = payment.provider_reference or report.reference
    payment.payment_url = report.payment_url or payment.payment_url
    payment.payer_id = report.payer_id or payment.payer_id
    if report.news in (News.CAPTURED, News.REFUNDED):
        payment.transaction_id = report.transaction_id or payment.transaction_id
        payment.decline_code = payment.decline_reason = payment.message = ""
    elif report.code:
        payment.decline_code, payment.decline_reason = report.code, report.decline_code
        payment.message = report.message
    if report.card is not None:
        payment.card_brand, payment.card_last4 = report.card.brand, report.card.last4
        payment.card_exp_month, payment.card_exp_year = report.card.exp_month, report.card.exp_year


def _capture(db: Session, payment: Payment, report: Report) -> None:
    payment.captured_minor = report.amount_minor
    payment.captured_currency = report.currency
    payment.captured_at = clock.now()
    if (report.amount_minor, report.currency) != (payment.amount_minor, payment.currency):
        log.error(
            "captured another amount", extra={"payment_id": str(payment.id), "captured_minor": report.amount_minor}
        )
    provider = account_of(db, payment)
    transfer = ledger.charge(provider, payment.event_id, str(payment.id), report.amount_minor, report.currency)
    book(db, transfer, payment.id)
    if report.fee_minor:
        payment.fee_minor = report.fee_minor
        book(db, ledger.fee(provider, str(payment.id), report.fee_minor, report.currency), payment.id)
    publish(db, PaymentCaptured(payment=statements.state(payment)), key=payment.order_identifier)


def _end(db: Session, payment: Payment, report: Report) -> None:
    payment.closed_at = clock.now()
    # What a payer's browser was once given can still be paid with, until the provider has closed it too.
    payment.close_wanted = (
        report.news is News.DECLINED and payment.mode == "stripe" and bool(payment.provider_reference)
    )
    publish(db, PaymentFailed(payment=statements.state(payment)), key=payment.order_identifier)
