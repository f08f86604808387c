"""PayPal's own page: opening the approval link approves, with `&cancel=1` the payer thinks better of it."""

import hashlib
import string
from html import escape
from urllib.parse import urlencode

from local.fakes.answers import Answer
from local.fakes.books import Document
from local.fakes.paypal.caller import PayPalCall
from local.fakes.paypal.payments import has_expired

PAGE = "<!doctype html><html lang=en><meta charset=utf-8><title>PayPal</title><h1>{title}</h1><p>{text}</p></html>"
_ALPHABET = string.ascii_uppercase + string.digits


def open_page(call: PayPalCall) -> Answer:
    """`&buyer=NAME` lets another person pay."""
    token = call.params.get("token", "")
    checkout = call.books.get("checkout", token)
    if checkout is None:
        return _page(404, "Nothing here", "This payment does not exist.")
    payment = call.find("payment", checkout["payment"])
    if payment["state"] == "approved":
        return _page(200, "Already paid", "This payment is done. Thank you.")
    if has_expired(payment):
        return _page(410, "Too late", "This payment has expired.")
    if call.params.get("cancel") == "1":
        return _cancel(call, payment, token)
    return _approve(call, payment, token)


def _approve(call: PayPalCall, payment: Document, token: str) -> Answer:
    payer = _payer(call.params.get("buyer", "buyer"))
    payment["payer"] |= {"status": "VERIFIED", "payer_info": payer}
    payment["update_time"] = call.now
    call.books.put("payment", payment)
    call.tell("PAYMENTS.PAYMENT.CREATED", "payment", payment, "Checkout payment is created and approved by buyer")
    query = {"paymentId": payment["id"], "token": token, "PayerID": payer["payer_id"]}
    return _back(payment["redirect_urls"].get("return_url"), query, "Approved", "You can go back to the shop now.")


def _cancel(call: PayPalCall, payment: Document, token: str) -> Answer:
    """An approval that was not used yet is taken back; the link can be opened again."""
    payment["payer"] = {"payment_method": "paypal"}
    call.books.put("payment", payment)
    shop = payment["redirect_urls"].get("cancel_url")
    return _back(shop, {"token": token}, "Cancelled", "Nothing was paid.")


def _back(shop: str | None, query: dict[str, str], title: str, text: str) -> Answer:
    if not shop:
        return _page(200, title, text)
    joint = "&" if "?" in shop else "?"
    return Answer(302, "", {"location": f"{shop}{joint}{urlencode(query)}"})


def _payer(name: str) -> Document:
    """The same name is the same person."""
    digest = hashlib.sha256(name.encode()).digest()
    return {
        "email": f"{name}@example.com", "first_name": name.title(), "last_name": "Example", "country_code": "US",
        "payer_id": "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:13]),
    }  # fmt: skip


def _page(status: int, title: str, text: str) -> Answer:
    return Answer(status, PAGE.format(title=escape(title), text=escape(text)))
