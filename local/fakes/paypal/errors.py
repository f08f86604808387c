"""PayPal's error bodies. The SDK returns those with status 400 as `error`, and raises the others."""

import secrets

from local.fakes.answers import Refusal
from local.fakes.books import Document

MESSAGES = {
    "CURRENCY_MISMATCH": "Currency of refund must be the same as currency of the sale.",
    "DUPLICATE_REQUEST_ID": "The value of PayPal-Request-Id header has already been used with another request.",
    "INSTRUMENT_DECLINED": "The instrument presented was either declined by the processor or bank, or it can't be used "
    "for this payment.",
    "INTERNAL_SERVICE_ERROR": "An internal service error has occurred.",
    "INVALID_PAYER_ID": "Payer ID is invalid.",
    "INVALID_RESOURCE_ID": "The requested resource ID was not found.",
    "MALFORMED_REQUEST": "The request body is no JSON object.",
    "PAYMENT_ALREADY_DONE": "Payment has been done already for this cart.",
    "PAYMENT_EXPIRED": "The payment has expired.",
    "PAYMENT_NOT_APPROVED_FOR_EXECUTION": "Payer has not approved payment.",
    "PREVIOUS_REQUEST_IN_PROGRESS": "A previous request with this PayPal-Request-Id is in progress. Try again later.",
    "REFUND_EXCEEDED_TRANSACTION_AMOUNT": "Refund amount has exceeded transaction amount.",
    "REFUND_FAILED": "The refund could not be made.",
    "TRANSACTION_ALREADY_REFUNDED": "This transaction has already been refunded.",
    "VALIDATION_ERROR": "Invalid request - see details.",
}


def debug_id() -> str:
    return secrets.token_hex(7)[:13]


def refused(
    name: str, *, status: int = 400, message: str | None = None, details: list[Document] | None = None
) -> Refusal:
    body: Document = {
        "name": name,
        "message": message or MESSAGES.get(name, "The request was refused."),
        "information_link": f"https://developer.paypal.com/docs/api/payments/#error-{name}",
        "debug_id": debug_id(),
    }
    return Refusal(status, {**body, **({"details": details} if details else {})})


def invalid(field: str, issue: str) -> Refusal:
    return refused("VALIDATION_ERROR", details=[{"field": field, "issue": issue}])


def missing(field: str) -> Refusal:
    return invalid(field, "Required field is missing")


def read_object(parent: Document, name: str, field: str | None = None) -> Document:
    """A part that may be absent but is an object when it is there."""
    value = parent.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(field or name, "Value is invalid (must be an object)")
    return value


def unauthorized(error: str, description: str) -> Refusal:
    return Refusal(401, {"error": error, "error_description": description})
