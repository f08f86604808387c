"""Sales, which hold the money, and refunds, which never give back more than that."""

from typing import Any

from local.fakes.answers import Answer
from local.fakes.books import Document
from local.fakes.paypal.amounts import money, read_amount, to_minor, to_text
from local.fakes.paypal.caller import PayPalCall, new_id
from local.fakes.paypal.errors import refused

PASSED_ON = ("description", "custom", "invoice_number", "reason")


def new_sale(call: PayPalCall, payment: str, total: int, currency: str, transaction: dict[str, Any]) -> Document:
    identifier = new_id()
    url = f"{call.base_url}/v1/payments/sale/{identifier}"
    fee = to_text(round(total * 0.029) + 30, currency)
    return {
        "id": identifier, "state": "completed", "amount": money(total, currency), "payment_mode": "INSTANT_TRANSFER",
        "protection_eligibility": "ELIGIBLE", "transaction_fee": {"value": fee, "currency": currency},
        "parent_payment": payment, "create_time": call.now, "update_time": call.now,
        **{name: transaction[name] for name in ("custom", "invoice_number") if name in transaction},
        "links": [
            {"href": url, "rel": "self", "method": "GET"},
            {"href": f"{url}/refund", "rel": "refund", "method": "POST"},
            {"href": f"{call.base_url}/v1/payments/payment/{payment}", "rel": "parent_payment", "method": "GET"},
        ],
    }  # fmt: skip


def retrieve_sale(call: PayPalCall) -> Answer:
    return Answer(200, call.find("sale"))


def retrieve_refund(call: PayPalCall) -> Answer:
    return Answer(200, call.find("refund"))


def refund_sale(call: PayPalCall) -> Answer:
    """The wanted amount, or all that is left."""
    sale = call.find("sale")
    before = sum(_minor(refund) for refund in call.books.children("refund", sale["id"]))
    amount = _amount(call, sale, left=_minor(sale) - before)
    if call.decline:
        raise refused(call.decline.code or "REFUND_FAILED", message=call.decline.message)
    refund = _new_refund(call, sale, amount, before + amount)
    sale |= {"state": "refunded" if before + amount == _minor(sale) else "partially_refunded", "update_time": call.now}
    call.books.put("refund", refund, parent=sale["id"])
    call.books.put("sale", sale)
    _show_in_payment(call, sale)
    summary = f"A {refund['amount']['total']} {refund['amount']['currency']} sale payment was refunded"
    call.tell("PAYMENT.SALE.REFUNDED", "refund", refund, summary)
    return Answer(201, refund)


def _amount(call: PayPalCall, sale: Document, *, left: int) -> int:
    if left == 0:
        raise refused("TRANSACTION_ALREADY_REFUNDED")
    if "amount" not in call.params:
        return left
    amount, currency = read_amount(call.params["amount"], "amount")
    if currency != sale["amount"]["currency"]:
        raise refused("CURRENCY_MISMATCH")
    if amount > left:
        raise refused("REFUND_EXCEEDED_TRANSACTION_AMOUNT")
    return amount


def _new_refund(call: PayPalCall, sale: Document, amount: int, so_far: int) -> Document:
    identifier, currency = new_id(), sale["amount"]["currency"]
    api = f"{call.base_url}/v1/payments"
    return {
        "id": identifier, "state": "completed", "amount": money(amount, currency), "sale_id": sale["id"],
        "parent_payment": sale["parent_payment"], "create_time": call.now, "update_time": call.now,
        "total_refunded_amount": {"value": to_text(so_far, currency), "currency": currency},
        **{name: call.params[name] for name in PASSED_ON if name in call.params},
        "links": [
            {"href": f"{api}/refund/{identifier}", "rel": "self", "method": "GET"},
            {"href": f"{api}/payment/{sale['parent_payment']}", "rel": "parent_payment", "method": "GET"},
            {"href": f"{api}/sale/{sale['id']}", "rel": "sale", "method": "GET"},
        ],
    }  # fmt: skip


def _show_in_payment(call: PayPalCall, sale: Document) -> None:
    payment = call.find("payment", sale["parent_payment"])
    refunds = [{"refund": refund} for refund in reversed(call.books.children("refund", sale["id"]))]
    payment["transactions"][0]["related_resources"] = [{"sale": sale}, *refunds]
    call.books.put("payment", payment)


def _minor(thing: Document) -> int:
    return to_minor(thing["amount"]["total"], thing["amount"]["currency"], "amount.total")
