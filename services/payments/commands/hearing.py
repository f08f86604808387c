"""What a webhook event changes. Called in the transaction that remembers the event's id."""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from chassis import clock
from chassis.db import execute, on_commit
from services.payments import errands
from services.payments.clients import paypal_documents, stripe_documents
from services.payments.commands import refunds
from services.payments.commands.settling import settle
from services.payments.domain.attempts import LIVE, PAID
from services.payments.domain.reports import Report
from services.payments.models.payments import Payment

log = logging.getLogger(__name__)

SALE_COMPLETED = "PAYMENT.SALE.COMPLETED"
SALE_REFUNDED = "PAYMENT.SALE.REFUNDED"


# One round trip for the usual case, in which we know already what the event says.
_HEAR = """
WITH heard AS (
    INSERT INTO provider_events (provider, id, type, received_at)
    VALUES (%(provider)s, %(event_id)s, %(type)s, %(received_at)s)
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM heard) AS is_new, known.id, known.status, known.card_last4 <> '' AS has_card
FROM (SELECT 1) AS once LEFT JOIN LATERAL (
    SELECT id, status, card_last4 FROM payments
    WHERE id = %(payment_id)s::uuid
        OR (mode = %(provider)s AND provider_reference = %(reference)s AND provider_reference <> '')
    LIMIT 1
) AS known ON true
"""


@dataclass(frozen=True)
class Heard:
    """An event that was not heard before, and the payment that it is about (None: none of ours)."""

    payment_id: uuid.UUID | None
    status: str | None
    has_card: bool | None


def hear_stripe(db: Session, event_id: str, kind: str, thing: Mapping[str, Any]) -> None:
    """An event of one of the kinds that we asked Stripe for."""
    if kind.startswith("refund."):
        if _hear(db, "stripe", event_id, kind) is not None:
            refunds.hear(db, "stripe", stripe_documents.refund_news(thing))
        return
    ours, report = stripe_documents.report_of_event(kind, thing)
    reference = str(thing.get("payment_intent") or thing.get("id") or "")
    if heard := _hear(db, "stripe", event_id, kind, ours, reference):
        _settle_or_ask(db, heard, report)


def hear_paypal(db: Session, event_id: str, kind: str, resource: Mapping[str, Any]) -> None:
    """An event of PayPal about a sale, or about something else that we pass over."""
    if kind == SALE_COMPLETED:
        ours, reference, report = paypal_documents.report_of_sale(resource)
        if heard := _hear(db, "paypal", event_id, kind, ours, reference):
            _settle_or_ask(db, heard, report)
    elif kind == SALE_REFUNDED:
        if _hear(db, "paypal", event_id, kind) is not None:
            refunds.hear(db, "paypal", paypal_documents.refund_news(resource))
    elif kind.startswith("PAYMENT.SALE."):
        reference = str(resource.get("parent_payment") or "")
        if heard := _hear(db, "paypal", event_id, kind, "", reference):
            _settle_or_ask(db, heard, None)


def _hear(
    db: Session, provider: str, event_id: str, kind: str, payment_id: str = "", reference: str = ""
) -> Heard | None:
    """Remembers an event. None when it was applied before (or has no id): there is nothing left to do."""
    if not event_id:
        return None
    values = {
        "provider": provider,
        "event_id": event_id,
        "type": kind,
        "received_at": clock.now(),
        "payment_id": _uuid(payment_id),
        "reference": reference,
    }
    [found] = execute(db, _HEAR, values)
    return Heard(found.id, found.status, found.has_card) if found.is_new else None


def _settle_or_ask(db: Session, heard: Heard, report: Report | None) -> None:
    """Good news is true at once; anything else makes reconciliation ask, now or after the call that is under way."""
    if heard.payment_id is None:
        log.info("an event about a payment that is not ours")
    elif report is not None:
        has_more = report.card is not None and not heard.has_card
        if heard.status not in PAID or has_more:
            settle(db, heard.payment_id, report, ends_call=False)
    elif heard.status in LIVE:
        is_idle = (Payment.id == heard.payment_id) & Payment.call_until.is_(None)
        db.execute(update(Payment).where(is_idle).values(ask_at=clock.now()))
        on_commit(db, errands.wake)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
