"""Confirming a payment intent: the card is asked, or its payer first opens the page of their bank."""

from local.fakes.answers import Answer
from local.fakes.books import Document
from local.fakes.stripe.caller import StripeCall
from local.fakes.stripe.cards import BY_FINGERPRINT, Card
from local.fakes.stripe.charges import attempt, declined_error
from local.fakes.stripe.choice import CHOICE, check_return_url
from local.fakes.stripe.documents import answer, find
from local.fakes.stripe.errors import card_error, invalid, wrong_state
from local.fakes.stripe.payment_methods import payment_method, payment_method_from_data

CONFIRM = frozenset({
    "payment_method", "payment_method_data", "payment_method_options", "return_url", "off_session",
    "error_on_requires_action", "receipt_email", "setup_future_usage", "shipping", "mandate_data",
    "use_stripe_sdk", "client_secret", "capture_method", "expected_payment_method_type", "client_context",
}) | CHOICE - {"automatic_payment_methods"}  # fmt: skip


def check_client_secret(call: StripeCall, intent: Document) -> None:
    """A browser shows it to prove that the intent was given to it; a server need not."""
    shown = call.params.get("client_secret")
    if shown != intent["client_secret"] and (call.from_browser or shown is not None):
        message = "The client_secret provided does not match the client_secret associated with the PaymentIntent."
        raise invalid(message, param="client_secret", code="payment_intent_invalid_parameter")


def give_payment_method(call: StripeCall, intent: Document) -> None:
    """Puts what the caller sent, if anything, on the intent."""
    if data := call.params.get("payment_method_data"):
        _, given = payment_method_from_data(call, data)
    elif identifier := call.params.get("payment_method"):
        _, given = payment_method(call, identifier)
    else:
        return
    intent["payment_method"] = given["id"]
    if intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"


def check_open(intent: Document) -> None:
    if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
        raise _cannot(intent)


def confirm(call: StripeCall, intent: Document) -> Answer:
    """Of an open intent."""
    if intent["payment_method"] is None:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. Update the PaymentIntent "
            "with a payment method and then confirm it again."
        )
        raise wrong_state(message, "payment_intent_unexpected_state", payment_intent=intent)
    check_return_url(call, intent)
    method = find(call, "payment_method", identifier=intent["payment_method"])
    card = BY_FINGERPRINT[method["card"]["fingerprint"]].declined_by(call.decline)
    if card.authenticates and card.code is None:
        return _send_to_bank(call, intent)
    return charge(call, intent, card, method)


def charge(call: StripeCall, intent: Document, card: Card, method: Document) -> Answer:
    captures = intent["capture_method"] != "manual"
    made = attempt(
        call, card, intent["amount"], intent["currency"], captures=captures, metadata=intent["metadata"],
        payment_intent=intent["id"], payment_method=method["id"], description=intent["description"],
    )  # fmt: skip
    intent |= {"latest_charge": made["id"], "next_action": None}
    if made["status"] == "failed":
        return fail(call, intent, declined_error(card, made, payment_method=method))
    intent["last_payment_error"] = None
    if captures:
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    else:
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
    call.keep(intent)
    call.tell("payment_intent.succeeded" if captures else "payment_intent.amount_capturable_updated", intent)
    return answer(call, intent)


def fail(call: StripeCall, intent: Document, error: Document) -> Answer:
    """The intent is open for another card, and the error carries it as it is now."""
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent["last_payment_error"] = error
    call.keep(intent)
    call.tell("payment_intent.payment_failed", intent)
    return Answer(402, {"error": {**error, "payment_intent": intent}})


def _send_to_bank(call: StripeCall, intent: Document) -> Answer:
    if call.params.get("error_on_requires_action") == "true" or call.params.get("off_session") == "true":
        message = "Your card was declined. This transaction requires authentication."
        return fail(call, intent, card_error(message, "authentication_required", "authentication_required"))
    page = f"{call.base_url}/3ds/{intent['id']}?secret={intent['client_secret']}"
    redirect = {"url": page, "return_url": call.params.get("return_url")}
    intent |= {"status": "requires_action", "next_action": {"type": "redirect_to_url", "redirect_to_url": redirect}}
    call.keep(intent)
    call.tell("payment_intent.requires_action", intent)
    return answer(call, intent)


def _cannot(intent: Document) -> Exception:
    why = (
        "it has already succeeded after being previously confirmed"
        if intent["status"] == "succeeded"
        else f"it has a status of {intent['status']}"
    )
    message = f"You cannot confirm this PaymentIntent because {why}."
    return wrong_state(message, "payment_intent_unexpected_state", payment_intent=intent)
