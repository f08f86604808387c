"""What a shop and a payer do at PayPal, step by step, through the real SDK."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import paypalrestsdk
import requests
from paypalrestsdk.resource import Resource

SHOP = {"return_url": "http://shop.example/back?order=7", "cancel_url": "http://shop.example/cancelled"}


def wish(total: str = "49.00", currency: str = "EUR", **changes: Any) -> dict[str, Any]:
    return {
        "intent": "sale",
        "payer": {"payment_method": "paypal"},
        "redirect_urls": SHOP,
        "transactions": [{"amount": {"total": total, "currency": currency}, "custom": "order-7"}],
        **changes,
    }


def created(api: paypalrestsdk.Api, **changes: Any) -> Any:
    payment = paypalrestsdk.Payment(wish(**changes), api=api)
    assert payment.create(), payment.error
    return payment


def link(thing: Any, rel: str) -> str:
    return next(str(found.href) for found in thing.links if found.rel == rel)


def opened(payment: Any, query: str = "") -> requests.Response:
    """The payer's browser opens the approval link and stops before the shop."""
    return requests.get(link(payment, "approval_url") + query, allow_redirects=False, timeout=5)


def approved(payment: Any, query: str = "") -> str:
    """The payer's id, as the shop's return page gets it."""
    return parse_qs(urlsplit(opened(payment, query).headers["location"]).query)["PayerID"][0]


def paid(api: paypalrestsdk.Api, **changes: Any) -> Any:
    payment = created(api, **changes)
    assert payment.execute({"payer_id": approved(payment)}), payment.error
    return payment


def sale_of(payment: Any) -> Any:
    return payment.transactions[0].related_resources[0].sale


def with_key(api: paypalrestsdk.Api, key: str, document: dict[str, Any]) -> Any:
    """A body whose PayPal-Request-Id is ours. The SDK invents a new one for every plain dictionary."""
    resource = Resource(document, api=api)
    resource.request_id = key
    return resource
