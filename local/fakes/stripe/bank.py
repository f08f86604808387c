"""The page of the payer's bank: opening it authenticates, `&fail=1` does not."""

from html import escape
from urllib.parse import urlencode

from local.fakes.answers import Answer
from local.fakes.books import Document
from local.fakes.stripe.caller import StripeCall
from local.fakes.stripe.cards import BY_FINGERPRINT
from local.fakes.stripe.confirming import charge, fail
from local.fakes.stripe.documents import find
from local.fakes.stripe.errors import card_error

FAILED = "We are unable to authenticate your payment method. Please choose a different payment method and try again."
PAGE = "<!doctype html><html lang=en><meta charset=utf-8><title>Your bank</title><h1>{title}</h1><p>{text}</p></html>"


def open_page(call: StripeCall) -> Answer:
    """Completes the intent, once, and sends the browser back to the shop."""
    intent = call.books.get("payment_intent", call.path["id"])
    if intent is None or call.params.get("secret") != intent["client_secret"]:
        return Answer(404, _page("Nothing here", "This payment does not exist."))
    if intent["status"] != "requires_action":
        return Answer(200, _page("Already done", f"This payment is {intent['status']}."))
    call.account = call.books.account_of("payment_intent", intent["id"])
    shop = intent["next_action"]["redirect_to_url"]["return_url"]
    outcome = "succeeded" if _decide(call, intent).status == 200 else "failed"
    if not shop:
        return Answer(200, _page("Thank you", f"This payment has {outcome}. You can close this window."))
    query = {"payment_intent": intent["id"], "payment_intent_client_secret": intent["client_secret"]}
    joint = "&" if "?" in shop else "?"
    return Answer(302, "", {"location": f"{shop}{joint}{urlencode({**query, 'redirect_status': outcome})}"})


def _decide(call: StripeCall, intent: Document) -> Answer:
    method = find(call, "payment_method", identifier=intent["payment_method"])
    if call.params.get("fail") == "1":
        return fail(call, intent, card_error(FAILED, "payment_intent_authentication_failure", payment_method=method))
    return charge(call, intent, BY_FINGERPRINT[method["card"]["fingerprint"]].declined_by(call.decline), method)


def _page(title: str, text: str) -> str:
    return PAGE.format(title=escape(title), text=escape(text))
