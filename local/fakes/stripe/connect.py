"""Connect: an organizer lends an account to the platform with a code `ac_test_…`, and takes it back."""

import hashlib
from urllib.parse import urlencode

from local.fakes.answers import Answer, Refusal
from local.fakes.books import Document
from local.fakes.stripe.caller import PLATFORM, StripeCall, new_id
from local.fakes.stripe.documents import answer
from local.fakes.stripe.errors import invalid, no_such


def authorize(call: StripeCall) -> Answer:
    """The page where an organizer agrees: opening it agrees."""
    target = call.params.get("redirect_uri")
    if not target:
        raise _oauth_error("invalid_redirect_uri", "No redirect_uri given.")
    code = new_id("ac_test")
    query = {"scope": call.params.get("scope", "read_write"), "code": code}
    query |= {"state": call.params["state"]} if "state" in call.params else {}
    joint = "&" if "?" in target else "?"
    return Answer(302, "", {"location": f"{target}{joint}{urlencode(query)}"})


def exchange_token(call: StripeCall) -> Answer:
    """A code is taken once; a refresh token again and again."""
    grant = call.params.get("grant_type")
    if grant == "authorization_code":
        account = _redeem(call, call.params.get("code", ""))
        refresh_token = new_id("rt_test")
        call.books.put("refresh", {"id": refresh_token, "account": account})
    elif grant == "refresh_token":
        refresh_token = call.params.get("refresh_token", "")
        known = call.books.get("refresh", refresh_token)
        if known is None or call.books.get("deauthorized", known["account"]):
            raise _oauth_error("invalid_grant", f"Refresh token does not exist: {refresh_token}")
        account = known["account"]
    else:
        raise _oauth_error("unsupported_grant_type", "grant_type is authorization_code or refresh_token.")
    keys = {"access_token": new_id("sk_test"), "stripe_publishable_key": new_id("pk_test")}
    for key in keys.values():
        call.books.put("key", {"id": key, "account": account})
    return Answer(200, {
        **keys, "livemode": False, "refresh_token": refresh_token, "scope": call.params.get("scope", "read_write"),
        "stripe_user_id": account, "token_type": "bearer",
    })  # fmt: skip


def deauthorize(call: StripeCall) -> Answer:
    account = call.params.get("stripe_user_id", "")
    if not call.params.get("client_id"):
        raise _oauth_error("invalid_request", "No client_id given.")
    if call.books.get("connected", account) is None or call.books.get("deauthorized", account):
        message = f"This application is not connected to stripe account {account}, or it does not exist."
        raise _oauth_error("invalid_client", message, status=401)
    call.books.put("deauthorized", {"id": account})
    return Answer(200, {"stripe_user_id": account})


def retrieve_account(call: StripeCall) -> Answer:
    """The caller's, or one that is connected."""
    identifier = call.path.get("id", call.account)
    known = identifier == PLATFORM or call.books.get("connected", identifier)
    if not known and identifier != call.account:
        raise no_such("account", identifier)
    if call.books.get("deauthorized", identifier):
        raise invalid("The account has taken its access back.", code="account_invalid", status=403)
    return answer(call, {
        "id": identifier, "object": "account", "type": "standard", "charges_enabled": True, "payouts_enabled": True,
        "details_submitted": True, "country": "US", "default_currency": "usd", "email": f"{identifier}@example.com",
        "metadata": {}, "business_profile": {"name": "An organizer"}, "capabilities": {"card_payments": "active"},
    })  # fmt: skip


def _redeem(call: StripeCall, code: str) -> str:
    """The account behind a code. Connecting again ends an earlier farewell."""
    if not code.startswith("ac_test_") or call.books.get("redeemed", code):
        raise _oauth_error("invalid_grant", f"Authorization code does not exist: {code}")
    account = f"acct_1{hashlib.sha256(code.encode()).hexdigest()[:15]}"
    call.books.put("redeemed", {"id": code})
    call.books.put("connected", {"id": account, "object": "account"})
    call.books.remove("deauthorized", account)
    return account


def _oauth_error(code: str, description: str, *, status: int = 400) -> Refusal:
    body: Document = {"error": code, "error_description": description}
    return Refusal(status, body)
