"""PayPal's documents: the one that asks for a payment, and what payments, sales and refunds prove. No calls."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.payments.domain.attempts import News
from services.payments.domain.currencies import from_paypal, to_paypal
from services.payments.domain.reports import ChargeNews, Movement, RefundNews, RefundReport, Report
from services.payments.models.payments import Payment


def creation(payment: Payment) -> dict[str, Any]:
    """The document that asks for a payment."""
    total = to_paypal(payment.amount_minor, payment.currency)
    transaction: dict[str, Any] = {
        "amount": {"total": total, "currency": payment.currency},
        "description": (payment.request.get("description") or f"Order {payment.order_identifier}")[:127],
        "invoice_number": str(payment.id),  # PayPal itself refuses to take one invoice twice
        "custom": str(payment.id),
    }
    lines = payment.request.get("lines") or []
    if lines and sum(line["quantity"] * line["price_minor"] for line in lines) == payment.amount_minor:
        transaction["item_list"] = {
            "items": [
                {
                    "name": line["name"][:127],
                    "quantity": str(line["quantity"]),
                    "price": to_paypal(line["price_minor"], payment.currency),
                    "currency": payment.currency,
                }
                for line in lines
            ]
        }
    urls = {"return_url": payment.request.get("return_url", ""), "cancel_url": payment.request.get("cancel_url", "")}
    return {
        "intent": "sale",
        "payer": {"payment_method": "paypal"},
        "redirect_urls": urls,
        "transactions": [transaction],
    }


def report_of(made: Mapping[str, Any]) -> Report:
    """What a payment document says. An executed one has a sale inside."""
    transaction = (made.get("transactions") or [{}])[0]
    sale = next((each["sale"] for each in transaction.get("related_resources") or () if "sale" in each), None)
    payer = (made.get("payer") or {}).get("payer_info") or {}
    amount = transaction.get("amount") or {}
    currency = amount.get("currency", "")
    common = {
        "reference": made["id"],
        "payment_url": next(
            (link["href"] for link in made.get("links") or () if link.get("rel") == "approval_url"), ""
        ),
        "payer_id": payer.get("payer_id") or "",
        "has_approval": bool(payer.get("payer_id")),
    }
    if sale:
        return _sale_report(sale, common)
    if made.get("state") == "failed":
        return Report(
            News.DECLINED, reference=made["id"], code=made.get("failure_reason") or "failed", message="PayPal refused."
        )
    return Report(
        News.WAITS, amount_minor=from_paypal(amount["total"], currency) if currency else 0, currency=currency, **common
    )


def _sale_report(sale: Mapping[str, Any], common: Mapping[str, Any]) -> Report:
    state = sale.get("state")
    if state in ("completed", "partially_refunded", "refunded"):
        currency = sale["amount"]["currency"]
        fee = sale.get("transaction_fee") or {}
        return Report(
            News.CAPTURED,
            transaction_id=sale["id"],
            amount_minor=from_paypal(sale["amount"]["total"], currency),
            currency=currency,
            fee_minor=from_paypal(fee["value"], currency) if fee.get("currency") == currency else 0,
            **common,
        )
    if state in ("denied", "voided"):
        return Report(News.DECLINED, code=sale.get("reason_code") or "denied", message="PayPal refused.", **common)
    return Report(News.LOST, **common)  # pending: an eCheck, or a review


def report_of_sale(sale: Mapping[str, Any]) -> tuple[str, str, Report]:
    """Our payment id, PayPal's, and what a sale in a webhook proves."""
    ours = str(sale.get("custom") or sale.get("invoice_number") or "")
    reference = str(sale.get("parent_payment") or "")
    return ours, reference, _sale_report(sale, {"reference": reference})


def refund_report_of(made: Mapping[str, Any]) -> RefundReport:
    """How a refund stands."""
    state = {"completed": "succeeded", "failed": "failed", "cancelled": "failed"}.get(made.get("state", ""), "pending")
    return RefundReport(
        state, reference=made["id"], code=made.get("reason_code") or ("refused" if state == "failed" else "")
    )


def refund_news(made: Mapping[str, Any]) -> RefundNews:
    """What a refund, in an event or inside a payment, tells. We gave it our id as its invoice number."""
    currency = str(made["amount"]["currency"])
    return RefundNews(
        refund_report_of(made),
        refund_id=str(made.get("invoice_number") or ""),
        payment_reference=str(made.get("parent_payment") or ""),
        amount_minor=abs(from_paypal(made["amount"]["total"], currency)),
        currency=currency,
    )


def movements_in(made: Mapping[str, Any]) -> Iterator[Movement]:
    """The sale and the refunds inside a payment of ours that was executed."""
    report = report_of(made)
    transaction = (made.get("transactions") or [{}])[0]
    ours = str(transaction.get("custom") or transaction.get("invoice_number") or "")
    if report.news is not News.CAPTURED or not ours:
        return
    yield ChargeNews(report, ours)
    for each in transaction.get("related_resources") or ():
        if "refund" in each:
            yield refund_news(each["refund"])
