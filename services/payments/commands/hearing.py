"""What a webhook event changes. Called in the transaction that remembers the event's id.

A signature proves only which account an event comes from: an organizer can sign anything with the secret of their own
endpoint. So an event is about a payment only if that payment was opened at this account.
"""

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
from services.payments.models.stripe_authorizations import ACCOUNT

log = logging.getLogger(__name__)

SALE_COMPLETED = "PAYMENT.SALE.COMPLETED"
SALE_REFUNDED = "PAYMENT.SALE.REFUNDED"


# One round trip for the usual case, in which we know already what the event says. The event of another account is not
# remembered either: the same one may come from the right account as well.
_HEAR = f"""
WITH known AS (
    SELECT p.id, p.status, p.card_last4 <> '' AS has_card, {ACCOUNT} = %(account)s AS is_theirs
    FROM payments AS p LEFT JOIN stripe_authorizations AS a ON a.id = p.authorization_id
    WHERE p.id = %(payment_id)s::uuid
        OR (p.mode = %(provider)s AND p.provider_reference = %(reference)s AND p.provider_reference <> '')
    LIMIT 1
), heard AS (
    INSERT INTO provider_events (provider, id, type, received_at)
    SELECT %(provider)s::varchar, %(event_id)s::text, %(type)s::text, %(received_at)s::timestamptz
    WHERE NOT EXISTS (SELECT 1 FROM known WHERE NOT is_theirs)
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM heard) AS is_new, known.id, known.status, known.has_card, known.is_theirs
FROM (SELECT 1) AS once LEFT JOIN known ON true
"""  # noqa: S608 (put together from constants)


@dataclass(frozen=True)
class Heard:
    """An event that was not heard before, and the payment that it is about (None: none of ours)."""

    payment_id: uuid.UUID | None
    status: str | None
    has_card: bool | None


def hear_stripe(db: Session, account: str, event_id: str, kind: str, thing: Mapping[str, Any]) -> None:
    """An event of one of the kinds that we asked Stripe for, from this account."""
    if kind.startswith("refund."):
        news = stripe_documents.refund_news(thing)
        if _hear(db, account, event_id, kind, reference=news.payment_reference) is not None:
            refunds.hear(db, account, news)
        return
    ours, report = stripe_documents.report_of_event(kind, thing)
    reference = str(thing.get("payment_intent") or thing.get("id") or "")
    if heard := _hear(db, account, event_id, kind, ours, reference):
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
    db: Session, account: str, event_id: str, kind: str, payment_id: str = "", reference: str = ""
) -> Heard | None:
    """Remembers an event. None when there is nothing to do: it was applied before, has no id, or is not this account's."""
    if not event_id:
        return None
    values = {
        "account": account,
        "provider": account.partition("/")[0],
        "event_id": event_id,
        "type": kind,
        "received_at": clock.now(),
        "payment_id": _uuid(payment_id),
        "reference": reference,
    }
    [found] = execute(db, _HEAR, values)
    if found.is_theirs is False:
        log.warning("an event about a payment of another account", extra={"provider": account, "type": kind})
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
