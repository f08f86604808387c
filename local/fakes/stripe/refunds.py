"""Refunds: never more than was captured, whoever asks how often."""

from local.fakes.answers import Answer
from local.fakes.books import Document
from local.fakes.stripe.caller import StripeCall, new_id
from local.fakes.stripe.cards import BY_FINGERPRINT
from local.fakes.stripe.currencies import read_integer, shown
from local.fakes.stripe.documents import PAGING, answer, find, listed, merge_metadata
from local.fakes.stripe.errors import invalid, missing_param, refuse_unknown, wrong_state

CREATE = frozenset({
    "charge", "payment_intent", "amount", "reason", "metadata", "instructions_email", "refund_application_fee",
    "reverse_transfer", "expand",
})  # fmt: skip
REASONS = (None, "duplicate", "fraudulent", "requested_by_customer")


def create_refund(call: StripeCall) -> Answer:
    refuse_unknown(call.params, CREATE)
    if call.params.get("reason") not in REASONS:
        raise invalid(f"Invalid reason: must be one of {', '.join(filter(None, REASONS))}", param="reason")
    charge = _charge(call)
    amount = _amount(call, charge)
    if call.decline:
        message = call.decline.message or "This charge cannot be refunded now."
        raise wrong_state(message, call.decline.code or "charge_not_refundable", param="charge")
    refund = _new(call, charge, amount)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.keep(refund, parent=charge["id"])
    call.keep(charge)
    call.tell("refund.created", refund)
    call.tell("charge.refunded", charge)
    if BY_FINGERPRINT[charge["payment_method_details"]["card"]["fingerprint"]].refund_fails:
        return answer(call, _bounce(call, charge, refund))
    return answer(call, refund)


def retrieve_refund(call: StripeCall) -> Answer:
    return answer(call, find(call, "refund"))


def update_refund(call: StripeCall) -> Answer:
    refuse_unknown(call.params, {"metadata", "expand"})
    refund = find(call, "refund")
    refund["metadata"] = merge_metadata(refund["metadata"], call.params.get("metadata", {}))
    call.keep(refund)
    call.tell("refund.updated", refund)
    call.tell("charge.refund.updated", refund)
    return answer(call, refund)


def list_refunds(call: StripeCall) -> Answer:
    refuse_unknown(call.params, PAGING | {"charge", "payment_intent"})
    wanted = {name: call.params[name] for name in ("charge", "payment_intent") if name in call.params}
    return listed(call, "refund", "/v1/refunds", lambda refund: wanted.items() <= refund.items())


def _charge(call: StripeCall) -> Document:
    """Named itself or by its payment intent."""
    if identifier := call.params.get("charge"):
        charge = find(call, "charge", identifier=identifier, param="charge")
    elif identifier := call.params.get("payment_intent"):
        intent = find(call, "payment_intent", identifier=identifier, param="payment_intent")
        if intent["status"] != "succeeded":
            message = f"This PaymentIntent ({identifier}) does not have a successful charge to refund."
            raise wrong_state(message, "payment_intent_unexpected_state", payment_intent=intent)
        charge = find(call, "charge", identifier=intent["latest_charge"])
    else:
        raise missing_param("charge")
    if charge["status"] != "succeeded":
        raise wrong_state(f"Charge {charge['id']} has failed: there is nothing to refund.", "charge_not_refundable")
    if not charge["captured"]:
        raise wrong_state(f"Charge {charge['id']} was not captured: nothing was taken.", "charge_not_refundable")
    return charge


def _amount(call: StripeCall, charge: Document) -> int:
    left: int = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise wrong_state(message, "charge_already_refunded", charge=charge["id"])
    amount = read_integer(call.params.get("amount", left), "amount")
    if amount > left:
        asked, rest = shown(amount, charge["currency"]), shown(left, charge["currency"])
        message = f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})"
        raise invalid(message, param="amount", charge=charge["id"], kept=True)
    return amount


def _new(call: StripeCall, charge: Document, amount: int) -> Document:
    return {
        "id": new_id("re"), "object": "refund", "amount": amount, "balance_transaction": new_id("txn"),
        "charge": charge["id"], "created": call.now, "currency": charge["currency"],
        "destination_details": {"card": {"reference_status": "pending", "type": "refund"}, "type": "card"},
        "metadata": merge_metadata({}, call.params.get("metadata", {})), "payment_intent": charge["payment_intent"],
        "reason": call.params.get("reason"), "receipt_number": None, "source_transfer_reversal": None,
        "status": "succeeded", "transfer_reversal": None,
    }  # fmt: skip


def _bounce(call: StripeCall, charge: Document, refund: Document) -> Document:
    """The card of a payer who closed the account: the answer says succeeded, books and webhooks know better."""
    failed = {**refund, "status": "failed", "failure_reason": "expired_or_canceled_card"}
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    call.keep(failed)
    call.keep(charge)
    for event_type in ("refund.failed", "refund.updated", "charge.refund.updated"):
        call.tell(event_type, failed)
    return refund
