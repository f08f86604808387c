"""Charges: the only place where a card is asked for money."""

from local.fakes.answers import Answer
from local.fakes.books import Document
from local.fakes.stripe.caller import StripeCall, new_id
from local.fakes.stripe.cards import Card
from local.fakes.stripe.currencies import read_amount, read_currency, read_integer
from local.fakes.stripe.documents import PAGING, answer, find, listed, merge_metadata
from local.fakes.stripe.errors import card_error, invalid, missing_param, refuse_unknown, wrong_state
from local.fakes.stripe.payment_methods import card_of_token, charge_details, source

CREATE = frozenset({
    "amount", "currency", "source", "capture", "description", "metadata", "receipt_email", "statement_descriptor",
    "statement_descriptor_suffix", "shipping", "transfer_group", "application_fee_amount", "expand",
})  # fmt: skip


def create_charge(call: StripeCall) -> Answer:
    refuse_unknown(call.params, CREATE)
    currency = read_currency(call.params.get("currency"))
    amount = read_amount(call.params.get("amount"), currency)
    if not call.params.get("source"):
        raise missing_param("source")
    card = card_of_token(call, call.params["source"], "source").declined_by(call.decline)
    if card.authenticates:
        card = _without_its_payer(card)
    captures = call.params.get("capture", "true") != "false"
    told = {"source": source(card), "description": call.params.get("description")}
    metadata = merge_metadata({}, call.params.get("metadata", {}))
    charge = attempt(call, card, amount, currency, captures=captures, metadata=metadata, **told)
    if charge["status"] == "failed":
        return Answer(402, {"error": declined_error(card, charge)})
    return answer(call, charge)


def attempt(
    call: StripeCall, card: Card, amount: int, currency: str, *, captures: bool, metadata: Document, **told: object
) -> Document:
    """Asks the card; the charge is kept, succeeded or failed, and told."""
    ok = card.code is None
    charge = {
        "id": new_id("ch"), "object": "charge", "amount": amount, "amount_captured": amount if ok and captures else 0,
        "amount_refunded": 0, "application": None, "application_fee": None, "application_fee_amount": None,
        "balance_transaction": new_id("txn") if ok and captures else None,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "calculated_statement_descriptor": "STAGEDOOR", "captured": ok and captures, "created": call.now,
        "currency": currency, "customer": None, "description": None, "disputed": False,
        "failure_balance_transaction": None, "failure_code": card.code, "failure_message": None if ok else card.message,
        "fraud_details": {}, "livemode": False, "metadata": metadata, "on_behalf_of": None, "outcome": _outcome(card),
        "paid": ok, "payment_intent": None, "payment_method": None, "payment_method_details": charge_details(card),
        "receipt_email": call.params.get("receipt_email"), "receipt_number": None, "receipt_url": None,
        "refunded": False, "review": None, "shipping": None, "source": None, "source_transfer": None,
        "statement_descriptor": call.params.get("statement_descriptor"), "statement_descriptor_suffix": None,
        "status": "succeeded" if ok else "failed", "transfer_data": None, "transfer_group": None, **told,
    }  # fmt: skip
    call.keep(charge, parent=str(charge["payment_intent"] or ""))
    call.tell("charge.succeeded" if ok else "charge.failed", charge)
    return charge


def declined_error(card: Card, charge: Document, **more: object) -> Document:
    code = card.code or "card_declined"
    return card_error(card.message, code, card.decline_code, card.param, charge=charge["id"], **more)


def retrieve_charge(call: StripeCall) -> Answer:
    return answer(call, find(call, "charge"))


def list_charges(call: StripeCall) -> Answer:
    refuse_unknown(call.params, PAGING | {"payment_intent", "customer", "transfer_group"})
    wanted = call.params.get("payment_intent")
    return listed(call, "charge", "/v1/charges", lambda charge: wanted in (None, charge["payment_intent"]))


def capture_charge(call: StripeCall) -> Answer:
    refuse_unknown(call.params, {"amount", "receipt_email", "expand"})
    charge = find(call, "charge")
    if charge["status"] != "succeeded" or charge["captured"]:
        raise wrong_state(f"Charge {charge['id']} has already been captured.", "charge_already_captured")
    return answer(call, capture(call, charge, call.params.get("amount", charge["amount"])))


def capture(call: StripeCall, charge: Document, wanted: object, param: str = "amount") -> Document:
    """The rest of what was authorized is released."""
    amount = read_integer(wanted, param)
    if amount > charge["amount"]:
        raise invalid("You cannot capture a charge for an amount greater than it already has.", param=param)
    taken = {"amount_captured": amount, "captured": True, "balance_transaction": new_id("txn")}
    captured = {**charge, **taken, "amount_refunded": charge["amount"] - amount}
    call.keep(captured)
    call.tell("charge.captured", captured)
    return captured


def _without_its_payer(card: Card) -> Card:
    """A plain charge has no page where the payer could authenticate."""
    return Card(card.name, card.number, code="authentication_required", decline_code="authentication_required")


def _outcome(card: Card) -> Document:
    if card.code is None:
        word = {"network_status": "approved_by_network", "reason": None, "type": "authorized"}
        return {**word, "risk_level": "normal", "seller_message": "Payment complete."}
    word = {
        "network_status": "declined_by_network",
        "reason": card.decline_code or card.code,
        "type": "issuer_declined",
    }
    return {**word, "risk_level": "normal", "seller_message": "The bank declined this charge."}
