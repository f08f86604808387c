"""What a webhook event changes. Called in the transaction that remembers the event's id."""

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from chassis import clock
from chassis import db as database
from services.payments import errands, queries
from services.payments.clients import paypal_api, stripe_api
from services.payments.commands import refunds
from services.payments.commands.settling import settle
from services.payments.domain.attempts import LIVE
from services.payments.domain.reports import Report
from services.payments.models.payments import Payment
from services.payments.models.provider_events import ProviderEvent

log = logging.getLogger(__name__)

SALE_COMPLETED = "PAYMENT.SALE.COMPLETED"
SALE_REFUNDED = "PAYMENT.SALE.REFUNDED"


def hear_stripe(db: Session, event_id: str, kind: str, thing: Mapping[str, Any]) -> None:
    """An event of one of the kinds that we asked Stripe for."""
    if not _is_new(db, "stripe", event_id, kind):
        return
    if kind.startswith("refund."):
        refunds.hear(db, "stripe", stripe_api.refund_news(thing))
        return
    ours, report = stripe_api.report_of_event(kind, thing)
    reference = str(thing.get("payment_intent") or thing.get("id") or "")
    payment = _find(db, "stripe", ours, reference)
    if payment is not None:
        _settle_or_ask(db, payment, report)


def hear_paypal(db: Session, event_id: str, kind: str, resource: Mapping[str, Any]) -> None:
    """An event of PayPal about a sale, or about something else that we pass over."""
    if not kind.startswith("PAYMENT.SALE.") or not _is_new(db, "paypal", event_id, kind):
        return
    if kind == SALE_COMPLETED:
        ours, reference, report = paypal_api.report_of_sale(resource)
        payment = _find(db, "paypal", ours, reference)
        if payment is not None:
            _settle_or_ask(db, payment, report)
        return
    if kind == SALE_REFUNDED:
        refunds.hear(db, "paypal", paypal_api.refund_news(resource))
        return
    payment = _find(db, "paypal", "", str(resource.get("parent_payment") or ""))
    if payment is not None:
        _settle_or_ask(db, payment, None)


def _is_new(db: Session, provider: str, event_id: str, kind: str) -> bool:
    """Remembers an event. False when it was applied before (or has no id): there is nothing left to do."""
    row = {"provider": provider, "id": event_id, "type": kind, "received_at": clock.now()}
    statement = insert(ProviderEvent).values(row).on_conflict_do_nothing().returning(ProviderEvent.id)
    return bool(event_id) and db.scalar(statement) is not None


def _find(db: Session, mode: str, payment_id: str, reference: str) -> Payment | None:
    """Our payment: by the id that we gave to the provider, or by the provider's."""
    try:
        found = db.get(Payment, uuid.UUID(payment_id))
    except ValueError:
        found = None
    found = found or queries.payment_by_reference(db, mode, reference)
    if found is None:
        log.info("an event about a payment that is not ours", extra={"provider": mode, "reference": reference})
    return found


def _settle_or_ask(db: Session, payment: Payment, report: Report | None) -> None:
    if report is not None:
        settle(db, payment.id, report, ends_call=False)
    elif payment.status in LIVE:
        _ask_soon(db, payment)


def _ask_soon(db: Session, payment: Payment) -> None:
    """Reconciliation asks now, or when the call that is under way has ended without news."""
    db.execute(update(Payment).where(Payment.id == payment.id, Payment.call_until.is_(None)).values(ask_at=clock.now()))
    database.on_commit(db, errands.wake)
