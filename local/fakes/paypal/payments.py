"""Payments: made by the shop, approved by the payer (see approval.py), executed by the shop, once."""

from datetime import UTC, datetime, timedelta
from itertools import dropwhile, islice

from local.fakes.answers import Answer
from local.fakes.books import Document
from local.fakes.paypal.amounts import check_sums, money, read_amount
from local.fakes.paypal.caller import PayPalCall, new_id
from local.fakes.paypal.errors import invalid, missing, read_object, refused
from local.fakes.paypal.sales import new_sale

# So long may a payer take, and so long may the shop wait after that.
LIFETIME = timedelta(hours=3)


def create_payment(call: PayPalCall) -> Answer:
    transaction = _check(call.params)
    identifier, token = f"PAYID-{new_id(24)}", f"EC-{new_id()}"
    total, currency = read_amount(transaction["amount"], "transactions[0].amount")
    details = {name: transaction["amount"][name] for name in ("details",) if name in transaction["amount"]}
    kept = {**transaction, "amount": {**money(total, currency), **details}, "related_resources": []}
    payment: Document = {
        "id": identifier, "intent": "sale", "state": "created", "cart": token.removeprefix("EC-"),
        "payer": {"payment_method": "paypal"}, "transactions": [kept],
        "redirect_urls": read_object(call.params, "redirect_urls"), "create_time": call.now,
        "links": [*_links(call, identifier), _approval_link(call, token)],
    }  # fmt: skip
    call.books.put("payment", payment)
    call.books.put("checkout", {"id": token, "payment": identifier})
    return Answer(201, payment)


def retrieve_payment(call: PayPalCall) -> Answer:
    return Answer(200, call.find("payment"))


def list_payments(call: PayPalCall) -> Answer:
    """Newest first."""
    count = whole(call.params, "count", 10, at_most=20)
    begin = whole(call.params, "start_index", 0, at_most=1000)
    payments = call.books.listed("payment", "")
    if start := call.params.get("start_id"):
        payments = dropwhile(lambda payment: payment["id"] != start, payments)
    payments = (payment for payment in payments if _made_between(call.params, payment))
    page = list(islice(payments, begin, begin + count + 1))
    shown, rest = page[:count], page[count:]
    following = {"next_id": rest[0]["id"]} if rest else {}
    return Answer(200, {"payments": shown, "count": len(shown), **following})


def execute_payment(call: PayPalCall) -> Answer:
    payment = call.find("payment")
    if not call.params.get("payer_id"):
        raise missing("payer_id")
    if "transactions" in call.params:
        raise invalid("transactions", "The fake PayPal executes payments as they were approved")
    _check_executable(call, payment)
    transaction = payment["transactions"][0]
    total, currency = read_amount(transaction["amount"], "transactions[0].amount")
    sale = new_sale(call, payment["id"], total, currency, transaction)
    transaction["related_resources"] = [{"sale": sale}]
    payment |= {"state": "approved", "update_time": call.now, "links": _links(call, payment["id"])[:1]}
    call.books.put("sale", sale, parent=payment["id"])
    call.books.put("payment", payment)
    summary = f"Payment completed for {sale['amount']['total']} {currency}"
    call.tell("PAYMENT.SALE.COMPLETED", "sale", sale, summary)
    return Answer(200, payment)


def has_expired(payment: Document) -> bool:
    return datetime.fromisoformat(payment["create_time"]) + LIFETIME < datetime.now(UTC)


def _check_executable(call: PayPalCall, payment: Document) -> None:
    if payment["state"] == "approved":
        raise refused("PAYMENT_ALREADY_DONE")
    if has_expired(payment):
        raise refused("PAYMENT_EXPIRED")
    if "payer_info" not in payment["payer"]:
        raise refused("PAYMENT_NOT_APPROVED_FOR_EXECUTION")
    if payment["payer"]["payer_info"]["payer_id"] != call.params["payer_id"]:
        raise refused("INVALID_PAYER_ID")
    if call.decline:
        raise refused(call.decline.code or "INSTRUMENT_DECLINED", message=call.decline.message)


def _check(wish: Document) -> Document:
    """The one transaction of a payment that PayPal would take."""
    if wish.get("intent") != "sale":
        raise invalid("intent", "The fake PayPal knows the intent sale only")
    if read_object(wish, "payer").get("payment_method") != "paypal":
        raise invalid("payer.payment_method", "Value is invalid (must be paypal)")
    transactions = wish.get("transactions")
    if not isinstance(transactions, list) or not transactions:
        raise missing("transactions")
    if len(transactions) > 1:
        raise invalid("transactions", "Only single payment transaction currently supported")
    transaction = read_object({"0": transactions[0]}, "0", "transactions[0]")
    check_sums(transaction, "transactions[0]")
    return transaction


def whole(params: Document, name: str, default: int, *, at_most: int) -> int:
    value = str(params.get(name, default))
    if not value.isdigit() or int(value) > at_most:
        raise invalid(name, f"Value must be a whole number of at most {at_most}")
    return int(value)


def _made_between(params: Document, payment: Document) -> bool:
    # Both are ISO 8601 in UTC: they compare as they are written.
    return bool(params.get("start_time", "") <= payment["create_time"] <= params.get("end_time", "9"))


def _links(call: PayPalCall, identifier: str) -> list[Document]:
    url = f"{call.base_url}/v1/payments/payment/{identifier}"
    return [
        {"href": url, "rel": "self", "method": "GET"},
        {"href": f"{url}/execute", "rel": "execute", "method": "POST"},
    ]


def _approval_link(call: PayPalCall, token: str) -> Document:
    page = f"{call.base_url}/cgi-bin/webscr?cmd=_express-checkout&token={token}"
    return {"href": page, "rel": "approval_url", "method": "REDIRECT"}
