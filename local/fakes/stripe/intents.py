"""Payment intents: made, changed, read, cancelled. Confirming has a room of its own."""

from local.fakes.answers import Answer
from local.fakes.books import Document
from local.fakes.stripe.caller import StripeCall, new_id
from local.fakes.stripe.charges import capture
from local.fakes.stripe.choice import CHOICE, check_choice, choose_payment_methods
from local.fakes.stripe.confirming import CONFIRM, check_client_secret, check_open, confirm, give_payment_method
from local.fakes.stripe.currencies import read_amount, read_currency
from local.fakes.stripe.documents import PAGING, answer, find, listed, merge_metadata
from local.fakes.stripe.errors import invalid, refuse_unknown, wrong_state

UPDATE = frozenset({
    "amount", "currency", "description", "metadata", "payment_method", "payment_method_data", "payment_method_options",
    "receipt_email", "setup_future_usage", "shipping", "statement_descriptor",
    "statement_descriptor_suffix", "transfer_group", "application_fee_amount", "capture_method", "expand",
}) | CHOICE - {"automatic_payment_methods"}  # fmt: skip
CREATE = UPDATE | CONFIRM | CHOICE | {"confirm", "confirmation_method"}
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = (*OPEN, "requires_capture", "processing")
TOLD = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_group")
REASONS = (None, "duplicate", "fraudulent", "requested_by_customer", "abandoned")


def create_intent(call: StripeCall) -> Answer:
    refuse_unknown(call.params, CREATE)
    intent = _new(call)
    give_payment_method(call, intent)
    call.keep(intent)
    call.tell("payment_intent.created", intent)
    return confirm(call, intent) if call.params.get("confirm") == "true" else answer(call, intent)


def retrieve_intent(call: StripeCall) -> Answer:
    intent = find(call, "payment_intent")
    check_client_secret(call, intent)
    return answer(call, intent)


def list_intents(call: StripeCall) -> Answer:
    refuse_unknown(call.params, PAGING | {"customer"})
    return listed(call, "payment_intent", "/v1/payment_intents")


def confirm_intent(call: StripeCall) -> Answer:
    refuse_unknown(call.params, CONFIRM | {"expand"})
    check_choice(call)
    intent = find(call, "payment_intent")
    check_client_secret(call, intent)
    check_open(intent)
    give_payment_method(call, intent)
    return confirm(call, intent)


def update_intent(call: StripeCall) -> Answer:
    refuse_unknown(call.params, UPDATE)
    intent = find(call, "payment_intent")
    for name in ("amount", "currency", "payment_method", "payment_method_data"):
        if name in call.params and intent["status"] not in OPEN:
            raise _unexpected(intent, f"This PaymentIntent's {name} could not be updated", "updated", OPEN)
    intent |= {name: call.params[name] for name in TOLD if name in call.params}
    intent["currency"] = read_currency(call.params.get("currency", intent["currency"]))
    intent["amount"] = read_amount(call.params.get("amount", intent["amount"]), intent["currency"])
    intent["metadata"] = merge_metadata(intent["metadata"], call.params.get("metadata", {}))
    intent |= choose_payment_methods(call) if CHOICE & call.params.keys() else {}
    give_payment_method(call, intent)
    call.keep(intent)
    return answer(call, intent)


def capture_intent(call: StripeCall) -> Answer:
    refuse_unknown(call.params, {"amount_to_capture", "metadata", "expand"})
    intent = find(call, "payment_intent")
    if intent["status"] != "requires_capture":
        raise _unexpected(intent, "This PaymentIntent could not be captured", "captured", ("requires_capture",))
    wanted = call.params.get("amount_to_capture", intent["amount"])
    charge = capture(call, find(call, "charge", identifier=intent["latest_charge"]), wanted, "amount_to_capture")
    intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": charge["amount_captured"]}
    call.keep(intent)
    call.tell("payment_intent.succeeded", intent)
    return answer(call, intent)


def cancel_intent(call: StripeCall) -> Answer:
    refuse_unknown(call.params, {"cancellation_reason", "expand"})
    intent = find(call, "payment_intent")
    if intent["status"] not in CANCELABLE:
        raise _unexpected(intent, "You cannot cancel this PaymentIntent", "canceled", CANCELABLE)
    reason = call.params.get("cancellation_reason")
    if reason not in REASONS:
        raise invalid("Invalid cancellation_reason.", param="cancellation_reason")
    if intent["status"] == "requires_capture":
        charge = find(call, "charge", identifier=intent["latest_charge"])
        released = {**charge, "refunded": True, "amount_refunded": charge["amount"]}
        call.keep(released)
        call.tell("charge.refunded", released)
    intent |= {"status": "canceled", "canceled_at": call.now, "cancellation_reason": reason}
    intent |= {"amount_capturable": 0, "next_action": None}
    call.keep(intent)
    call.tell("payment_intent.canceled", intent)
    return answer(call, intent)


def _new(call: StripeCall) -> Document:
    currency = read_currency(call.params.get("currency"))
    identifier = new_id("pi")
    return {
        "id": identifier, "object": "payment_intent", "amount": read_amount(call.params.get("amount"), currency),
        "amount_capturable": 0, "amount_details": {"tip": {}}, "amount_received": 0, "application": None,
        "application_fee_amount": None, "canceled_at": None,
        "cancellation_reason": None, "capture_method": call.params.get("capture_method", "automatic_async"),
        "client_secret": f"{identifier}_{new_id('secret')}",
        "confirmation_method": call.params.get("confirmation_method", "automatic"), "created": call.now,
        "currency": currency, "customer": None, "description": None, "last_payment_error": None, "latest_charge": None,
        "livemode": False, "metadata": merge_metadata({}, call.params.get("metadata", {})), "next_action": None,
        "on_behalf_of": None, "payment_method": None, "payment_method_options": {},
        "processing": None, "receipt_email": None, "review": None,
        "setup_future_usage": None, "shipping": None, "source": None, "statement_descriptor": None,
        "statement_descriptor_suffix": None, "status": "requires_payment_method", "transfer_data": None,
        "transfer_group": None, **choose_payment_methods(call),
        **{name: call.params[name] for name in TOLD if name in call.params},
    }  # fmt: skip


def _unexpected(intent: Document, what: str, done: str, allowed: tuple[str, ...]) -> Exception:
    message = (
        f"{what} because it has a status of {intent['status']}. Only a PaymentIntent with one of the following "
        f"statuses may be {done}: {', '.join(allowed)}."
    )
    return wrong_state(message, "payment_intent_unexpected_state", payment_intent=intent)
