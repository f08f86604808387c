"""Who calls Stripe, with which key, for whose account; and how Stripe says no to them."""

import base64
import binascii
import re
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from local.fakes.answers import Call, Refusal
from local.fakes.books import Books, Document
from local.fakes.faults import Fault
from local.fakes.stripe.errors import invalid
from local.fakes.stripe.forms import read_form

# Every key that Connect did not issue belongs to the platform.
PLATFORM = "acct_1StagedoorPlatform"
API_VERSION = "2026-10-28.endive"

_ALPHABET = string.ascii_letters + string.digits
# What stripe.js may do with a publishable key in a browser.
_FOR_BROWSERS = re.compile(r"POST /v1/(tokens|payment_methods)|(GET|POST) /v1/payment_intents/[^/]+(/confirm)?")

Publish = Callable[["StripeCall", str, Document, Document | None], None]


def new_id(prefix: str) -> str:
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(24))}"


@dataclass
class StripeCall(Call):
    account: str
    request_id: str
    idempotency_key: str | None
    version: str
    from_browser: bool
    publish: Publish

    @property
    def now(self) -> int:
        return int(time.time())

    def tell(self, event_type: str, thing: Document, previous: Document | None = None) -> None:
        """Adds an event, and its webhooks, to the transaction."""
        self.publish(self, event_type, thing, previous)

    def keep(self, thing: Document, *, parent: str = "") -> None:
        self.books.put(thing["object"], thing, account=self.account, parent=parent)

    def find(self, kind: str, identifier: str) -> Document | None:
        return self.books.get(kind, identifier, self.account)


class StripeDialect:
    def __init__(self, books: Books, publish: Publish, public_url: str | None) -> None:
        self._books = books
        self._publish = publish
        self._public_url = public_url

    def open_call(self, request: Request, body: bytes, fault: Fault | None) -> StripeCall:
        encoded = request.url.query if request.method in ("GET", "DELETE") else body.decode(errors="replace")
        params = read_form(encoded)
        browser, account = False, PLATFORM
        if request.url.path.startswith("/v1/"):
            key = params.pop("key", None) or _bearer(request) or ""
            browser, account = self._who(key, request, params)
        base_url = self._public_url or str(request.base_url).rstrip("/")
        request.state.request_id = new_id("req")
        return StripeCall(
            self._books, params, request.path_params, base_url, fault, account, request.state.request_id,
            request.headers.get("idempotency-key"), _version(request), browser, self._publish,
        )  # fmt: skip

    def _who(self, key: str, request: Request, params: Document) -> tuple[bool, str]:
        """Whether it is a browser, and whose books are meant."""
        if not key:
            raise invalid("You did not provide an API key.", status=401)
        if not key.startswith(("sk_test_", "rk_test_", "pk_test_")):
            raise invalid(f"Invalid API Key provided: {key[:8]}****", status=401)
        browser = key.startswith("pk_")
        if browser and not _FOR_BROWSERS.fullmatch(f"{request.method} {request.url.path}"):
            message = "This API call cannot be made with a publishable API key. Please use a secret API key."
            raise invalid(message, code="secret_key_required", status=403)
        issued = self._books.get("key", key)
        own = issued["account"] if issued else PLATFORM
        account = request.headers.get("stripe-account") or params.pop("_stripe_account", None) or own
        if account != PLATFORM and self._books.get("deauthorized", account):
            message = (
                f"The provided key '{key[:8]}****' does not have access to account '{account}' (or that account does "
                "not exist). Application access may have been revoked."
            )
            raise invalid(message, code="account_invalid", status=403)
        return browser, account

    def idempotency_key(self, request: Request, call: StripeCall) -> str | None:
        key = call.idempotency_key
        if key and len(key) > 255:
            raise invalid("Idempotency keys can be at most 255 characters long.", code="idempotency_key_invalid")
        return f"{call.account} {key}" if key else None

    def key_reused(self, request: Request) -> Refusal:
        return _key_refusal(400, None, (
            "Keys for idempotent requests can only be used with the endpoint and parameters they were first used with. "
            f"Try using a key other than '{request.headers['idempotency-key']}' if you meant another request."
        ))  # fmt: skip

    def key_in_use(self, request: Request) -> Refusal:
        return _key_refusal(409, "idempotency_key_in_use", (
            "There is currently another in-progress request using this Idempotent Key: "
            f"{request.headers['idempotency-key']}. Please try again later."
        ))  # fmt: skip

    def broken(self, fault: Fault) -> Refusal:
        return Refusal(fault.status, {"error": {"type": "api_error", "message": fault.message or "An error occurred."}})

    def unknown_url(self, request: Request) -> Refusal:
        return invalid(f"Unrecognized request URL ({request.method}: {request.url.path}).", status=404)

    def headers(self, request: Request) -> dict[str, str]:
        request_id = getattr(request.state, "request_id", None) or new_id("req")
        echoed = {
            name: request.headers[name] for name in ("idempotency-key", "stripe-account") if name in request.headers
        }
        return {
            "request-id": request_id,
            "stripe-version": _version(request),
            **echoed,
        }


def _version(request: Request) -> str:
    return request.headers.get("stripe-version", API_VERSION)


def _bearer(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return value.strip() or None


def _key_refusal(status: int, code: str | None, message: str) -> Refusal:
    error = {"type": "idempotency_error", "message": message, **({"code": code} if code else {})}
    return Refusal(status, {"error": error})
