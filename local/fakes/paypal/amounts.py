"""PayPal's amounts: decimal strings with the currency's own decimals, whose parts must add up."""

import re
from typing import Any

from local.fakes.books import Document
from local.fakes.paypal.errors import invalid, missing, read_object

WHOLE = frozenset({"HUF", "JPY", "TWD"})
CURRENCIES = WHOLE | {
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "ILS", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN",
    "RUB", "SEK", "SGD", "THB", "USD",
}  # fmt: skip
ADDED = ("subtotal", "tax", "shipping", "handling_fee", "insurance", "gift_wrap")
SUBTRACTED = "shipping_discount"


def to_minor(value: object, currency: str, field: str) -> int:
    """Raises on anything but a string such as 10.50, or 1050 where the currency has no decimals."""
    decimals = "" if currency in WHOLE else r"(\.\d{1,2})?"
    if not isinstance(value, str) or not re.fullmatch(rf"\d{{1,7}}{decimals}", value):
        rule = "no decimals" if currency in WHOLE else "at most 2 decimals ('.' separator)"
        raise invalid(field, f"Currency amount must be non-negative number, a string with {rule} in {currency}")
    if currency in WHOLE:
        return int(value)
    whole, _, fraction = value.partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))


def to_text(minor: int, currency: str) -> str:
    return str(minor) if currency in WHOLE else f"{minor // 100}.{minor % 100:02}"


def money(minor: int, currency: str) -> Document:
    return {"total": to_text(minor, currency), "currency": currency}


def read_currency(value: object, field: str) -> str:
    if not value:
        raise missing(field)
    if value not in CURRENCIES:
        raise invalid(field, "Currency code (3-character ISO code) is invalid or not supported")
    return str(value)


def read_amount(amount: Any, field: str) -> tuple[int, str]:
    """The total, above zero, in minor units, and its currency."""
    if not isinstance(amount, dict):
        raise missing(field)
    currency = read_currency(amount.get("currency"), f"{field}.currency")
    if "total" not in amount:
        raise missing(f"{field}.total")
    total = to_minor(amount["total"], currency, f"{field}.total")
    if total == 0:
        raise invalid(f"{field}.total", "Amount cannot be zero")
    return total, currency


def check_sums(transaction: Document, field: str) -> None:
    """Details, if any, make the total; items, if any, make the subtotal."""
    total, currency = read_amount(transaction.get("amount"), f"{field}.amount")
    subtotal = total
    at = f"{field}.amount.details"
    if details := read_object(transaction["amount"], "details", at):
        parts = {name: to_minor(details.get(name, "0"), currency, f"{at}.{name}") for name in (*ADDED, SUBTRACTED)}
        if sum(parts[name] for name in ADDED) - parts[SUBTRACTED] != total:
            issue = "Transaction amount details (subtotal, tax, shipping) must add up to specified amount total"
            raise invalid(f"{field}.amount", issue)
        subtotal = parts["subtotal"]
    items = read_object(transaction, "item_list", f"{field}.item_list").get("items") or []
    if (
        items
        and sum(_item(item, currency, f"{field}.item_list.items[{at}]") for at, item in enumerate(items)) != subtotal
    ):
        issue = "Item amount must add up to specified amount subtotal (or total if amount details not specified)"
        raise invalid(f"{field}.item_list", issue)


def _item(item: Any, currency: str, field: str) -> int:
    if not isinstance(item, dict):
        raise invalid(field, "Value is invalid (must be an object)")
    for name in ("name", "quantity", "price", "currency"):
        if name not in item:
            raise missing(f"{field}.{name}")
    if item["currency"] != currency:
        raise invalid(f"{field}.currency", "Item currency should be the same as the transaction currency")
    if not re.fullmatch(r"[1-9]\d{0,9}", str(item["quantity"])):
        raise invalid(f"{field}.quantity", "Value must be a whole number above zero")
    return to_minor(item["price"], currency, f"{field}.price") * int(item["quantity"])
