"""Cards as Stripe keeps them: tokens that are used once, and payment methods."""

import time
from typing import Any

from local.fakes.answers import Answer
from local.fakes.books import Document
from local.fakes.stripe import cards
from local.fakes.stripe.caller import StripeCall, new_id
from local.fakes.stripe.cards import Card
from local.fakes.stripe.documents import answer, find, merge_metadata, read_hash
from local.fakes.stripe.errors import invalid, missing_param, no_such, refuse_unknown

EXPIRES = {"exp_month": 12, "exp_year": time.gmtime().tm_year + 3}


# What stripe.js adds by itself.
FROM_STRIPE_JS = frozenset({
    "payment_user_agent", "time_on_page", "guid", "muid", "sid", "allow_redisplay", "referrer",
    "client_attribution_metadata",
})  # fmt: skip


def create_token(call: StripeCall) -> Answer:
    """What stripe.js makes of a card number."""
    refuse_unknown(call.params, FROM_STRIPE_JS | {"card", "expand"})
    card = _numbered(call.params.get("card"), "card[number]")
    token = {
        "id": new_id("tok"), "object": "token", "card": {"id": new_id("card"), "object": "card", **_face(card)},
        "client_ip": "127.0.0.1", "created": call.now, "livemode": False, "type": "card", "used": False,
    }  # fmt: skip
    call.keep(token)
    return answer(call, token)


def retrieve_token(call: StripeCall) -> Answer:
    return answer(call, find(call, "token"))


def create_payment_method(call: StripeCall) -> Answer:
    refuse_unknown(call.params, FROM_STRIPE_JS | {"type", "card", "billing_details", "metadata", "expand"})
    return answer(call, _keep(call, card_of_data(call, call.params), call.params))


def retrieve_payment_method(call: StripeCall) -> Answer:
    if card := cards.by_payment_method(call.path["id"]):
        return answer(call, _document(call, card, {}) | {"id": call.path["id"]})
    return answer(call, find(call, "payment_method"))


def card_of_token(call: StripeCall, token: str, param: str) -> Card:
    """A documented test token, or one that was made from a number and is used up now."""
    if card := cards.by_token(token):
        return card
    made = call.find("token", token)
    if made is None:
        raise no_such("token", token, param, in_url=False)
    if made["used"]:
        message = f"You cannot use a Stripe token more than once: {token}."
        raise invalid(message, param=param, code="token_already_used")
    call.keep({**made, "used": True})
    return cards.BY_FINGERPRINT[made["card"]["fingerprint"]]


def card_of_data(call: StripeCall, data: Any, prefix: str = "") -> Card:
    """From `card[token]`, or `card[number]` as browsers send it."""
    if not isinstance(data, dict) or data.get("type") != "card":
        raise invalid("The fake Stripe knows payment methods of type card only.", param=f"{prefix}type")
    details = data.get("card")
    if isinstance(details, dict) and "token" in details:
        return card_of_token(call, details["token"], f"{prefix}card[token]")
    return _numbered(details, f"{prefix}card[number]")


def payment_method(call: StripeCall, identifier: str) -> tuple[Card, Document]:
    """The card behind it; a documented test name becomes a payment method of its own, as at Stripe."""
    if card := cards.by_payment_method(identifier):
        return card, _keep(call, card, {})
    kept = find(call, "payment_method", identifier=identifier, param="payment_method")
    return cards.BY_FINGERPRINT[kept["card"]["fingerprint"]], kept


def payment_method_from_data(call: StripeCall, data: Any) -> tuple[Card, Document]:
    card = card_of_data(call, data, "payment_method_data.")
    return card, _keep(call, card, data)


def source(card: Card) -> Document:
    """How a charge made from a token shows the card."""
    return {"id": new_id("card"), "object": "card", "customer": None, "metadata": {}, **_face(card)}


def charge_details(card: Card) -> Document:
    return {"type": "card", "card": {**_face(card), "network": card.brand, "three_d_secure": None, "wallet": None}}


def _numbered(details: Any, param: str) -> Card:
    number = str(details.get("number", "")) if isinstance(details, dict) else ""
    if not number:
        raise missing_param(param)
    card = cards.BY_NUMBER.get(number.replace(" ", ""))
    if card is None:
        message = "The fake Stripe takes Stripe's documented test card numbers only."
        raise invalid(message, param=param, code="incorrect_number")
    return card


def _face(card: Card) -> Document:
    return {
        "brand": card.brand, "country": "US", "fingerprint": card.fingerprint, "funding": card.funding,
        "last4": card.last4, **EXPIRES,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
    }  # fmt: skip


def _document(call: StripeCall, card: Card, data: Document) -> Document:
    billing: Document = {"address": None, "email": None, "name": None, "phone": None}
    return {
        "id": new_id("pm"), "object": "payment_method",
        "billing_details": {**billing, **read_hash(data, "billing_details")},
        "card": {**_face(card), "three_d_secure_usage": {"supported": True}, "wallet": None}, "created": call.now,
        "customer": None, "livemode": False, "metadata": merge_metadata({}, data.get("metadata", {})), "type": "card",
    }  # fmt: skip


def _keep(call: StripeCall, card: Card, data: Document) -> Document:
    made = _document(call, card, data)
    call.keep(made)
    return made
