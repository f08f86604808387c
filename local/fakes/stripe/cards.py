"""Stripe's documented test cards: by token, by payment method, by number; and what each of them does."""

import hashlib
from dataclasses import dataclass, replace

from local.fakes.faults import Fault

MESSAGES = {
    "authentication_required": "Your card was declined. This transaction requires authentication.",
    "card_declined": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "insufficient_funds": "Your card has insufficient funds.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}
PARAMS = {"expired_card": "exp_month", "incorrect_cvc": "cvc", "incorrect_number": "number"}


@dataclass(frozen=True)
class Card:
    """`code` set: charges are declined. `authenticates`: the payer must first open a page of their bank."""

    name: str
    number: str
    brand: str = "visa"
    funding: str = "credit"
    code: str | None = None
    decline_code: str | None = None
    said: str | None = None
    authenticates: bool = False
    refund_fails: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]

    @property
    def message(self) -> str:
        return (
            self.said
            or MESSAGES.get(self.decline_code or "")
            or MESSAGES.get(self.code or "", MESSAGES["card_declined"])
        )

    @property
    def param(self) -> str | None:
        return PARAMS.get(self.code or "")

    def declined_by(self, fault: Fault | None) -> "Card":
        """The same card on a bad day."""
        if fault is None:
            return self
        code = fault.code or "card_declined"
        generic = "generic_decline" if code == "card_declined" else None
        return replace(self, code=code, decline_code=fault.decline_code or generic, said=fault.message)


def _declining(name: str, number: str, decline_code: str, code: str = "card_declined") -> Card:
    return Card(name, number, code=code, decline_code=decline_code)


CARDS = (
    Card("visa", "4242424242424242"),
    Card("visa_debit", "4000056655665556", funding="debit"),
    Card("mastercard", "5555555555554444", "mastercard"),
    Card("mastercard_debit", "5200828282828210", "mastercard", "debit"),
    Card("mastercard_prepaid", "5105105105105100", "mastercard", "prepaid"),
    Card("amex", "378282246310005", "amex"),
    Card("discover", "6011111111111117", "discover"),
    Card("diners", "3056930009020004", "diners"),
    Card("jcb", "3566002020360505", "jcb"),
    Card("unionpay", "6200000000000005", "unionpay"),
    Card("bypassPending", "4000000000000077"),
    Card("refundFail", "4000000000005126", refund_fails=True),
    _declining("chargeDeclined", "4000000000000002", "generic_decline"),
    _declining("chargeDeclinedInsufficientFunds", "4000000000009995", "insufficient_funds"),
    _declining("chargeDeclinedLostCard", "4000000000009987", "lost_card"),
    _declining("chargeDeclinedStolenCard", "4000000000009979", "stolen_card"),
    _declining("chargeDeclinedFraudulent", "4100000000000019", "fraudulent"),
    _declining("chargeDeclinedVelocityLimitExceeded", "4000000000006975", "card_velocity_exceeded"),
    _declining("chargeCustomerFail", "4000000000000341", "generic_decline"),
    Card("chargeDeclinedExpiredCard", "4000000000000069", code="expired_card"),
    Card("chargeDeclinedIncorrectCvc", "4000000000000127", code="incorrect_cvc"),
    Card("chargeDeclinedProcessingError", "4000000000000119", code="processing_error"),
    Card("threeDSecure2Required", "4000000000003220", authenticates=True),
    Card("threeDSecureRequired", "4000000000003063", authenticates=True),
    Card("authenticationRequired", "4000002760003184", authenticates=True),
)

BY_NUMBER = {card.number: card for card in CARDS}
BY_FINGERPRINT = {card.fingerprint: card for card in CARDS}
# Stripe documents declining tokens with and without the brand: tok_chargeDeclined is tok_visa_chargeDeclined.
_BY_NAME = {prefix + card.name: card for card in CARDS for prefix in ("", "visa_")}


def by_token(token: str) -> Card | None:
    return _BY_NAME.get(token.removeprefix("tok_")) if token.startswith("tok_") else None


def by_payment_method(identifier: str) -> Card | None:
    return _BY_NAME.get(identifier.removeprefix("pm_card_")) if identifier.startswith("pm_card_") else None
