"""What Stripe's documents and refusals prove: intents, charges, refunds and errors in, our reports out. No calls."""

import logging
from collections.abc import Mapping
from typing import Any

import stripe

from services.payments.domain.attempts import News, Status
from services.payments.domain.currencies import from_stripe
from services.payments.domain.reports import Card, RefundNews, RefundReport, Report
from services.payments.models.payments import Payment

log = logging.getLogger(__name__)


def report_of_event(kind: str, thing: Mapping[str, Any]) -> tuple[str, Report | None]:
    """Our payment id, and what the event proves about it: that money arrived, or nothing but that it is worth a look."""
    if kind == "payment_intent.succeeded":
        return payment_id_of(thing), report_of_money(thing)
    if kind == "charge.succeeded" and thing.get("captured"):
        currency = thing["currency"].upper()
        return payment_id_of(thing), Report(
            News.CAPTURED,
            reference=thing.get("payment_intent") or "",
            transaction_id=thing["id"],
            amount_minor=from_stripe(thing["amount_captured"], currency),
            currency=currency,
            card=_card(thing),
        )
    return payment_id_of(thing), None


def refund_news(made: Mapping[str, Any]) -> RefundNews:
    """What a refund, in an event or in the list, tells."""
    currency = str(made["currency"]).upper()
    return RefundNews(
        refund_report_of(made),
        refund_id=str((made.get("metadata") or {}).get("refund_id") or ""),
        payment_reference=str(made.get("payment_intent") or ""),
        amount_minor=from_stripe(made["amount"], currency),
        currency=currency,
    )


def report_of(intent: Any, payment: Payment) -> Report:
    """How the attempt stands, for a row that we know."""
    status = intent["status"]
    if status == "succeeded":
        return report_of_money(intent)
    failure = intent.get("last_payment_error") or {}
    news = {
        "requires_action": News.NEEDS_ACTION,
        "canceled": News.CANCELLED,
        "processing": News.LOST,
    }.get(status, News.WAITS)
    if news is News.WAITS and failure and payment.status == Status.UNKNOWN:
        news = News.DECLINED  # we asked for money, and this is the answer that we missed
    return Report(
        news,
        reference=intent["id"],
        code=failure.get("code") or "",
        decline_code=failure.get("decline_code") or "",
        message=failure.get("message") or "",
        client_payload=_client_payload(intent),
    )


def report_of_money(intent: Any) -> Report:
    """What a succeeded intent has taken."""
    currency = intent["currency"].upper()
    charge = intent.get("latest_charge") or ""
    return Report(
        News.CAPTURED,
        reference=intent["id"],
        transaction_id=charge if isinstance(charge, str) else charge["id"],
        amount_minor=from_stripe(intent["amount_received"], currency),
        currency=currency,
        card=None if isinstance(charge, str) else _card(charge),
        client_payload=_client_payload(intent),
    )


def _card(charge: Any) -> Card | None:
    card = (charge.get("payment_method_details") or {}).get("card")
    if not card:
        return None
    return Card(
        brand=card.get("brand") or "",
        last4=card.get("last4") or "",
        exp_month=str(card.get("exp_month") or ""),
        exp_year=str(card.get("exp_year") or ""),
    )


_FOR_CLIENTS = (
    "id", "object", "amount", "currency", "status", "client_secret", "created", "livemode", "next_action",
    "allowed_payment_method_types", "payment_method_types", "capture_method", "confirmation_method", "description",
)  # fmt: skip


def _client_payload(intent: Any) -> dict[str, Any]:
    """The part of an intent that the payer's browser needs."""
    return {name: intent.get(name) for name in _FOR_CLIENTS}


def refusal(error: Any) -> Report:
    """A card's or a request's refusal, as the SDK raises it."""
    if isinstance(error, stripe.InvalidRequestError):
        log.warning("Stripe refused a payment", extra={"code": error.code, "param": error.param})
    told = (error.json_body or {}).get("error", {}) if isinstance(error.json_body, dict) else {}
    return Report(
        News.DECLINED,
        reference=(told.get("payment_intent") or {}).get("id", ""),
        code=error.code or "card_declined",
        decline_code=told.get("decline_code") or "",
        message=error.user_message or "The card was declined.",
    )


def refund_report_of(made: Any) -> RefundReport:
    """How a refund stands."""
    state = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}.get(made["status"], "pending")
    reason = made.get("failure_reason") or ""
    return RefundReport(
        state, reference=made["id"], code=reason or ("refused" if state == "failed" else ""), message=reason
    )


def payment_id_of(thing: Any) -> str:
    """Our payment's id, which everything made by us carries; empty for what others made."""
    return str((thing.get("metadata") or {}).get("payment_id") or "")
