"""Who calls PayPal, with which token; and how PayPal says no to them."""

import base64
import binascii
import hashlib
import hmac
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from starlette.requests import Request

from local.fakes.answers import Answer, Call, Refusal
from local.fakes.books import Books, Document
from local.fakes.faults import Fault
from local.fakes.paypal.errors import debug_id, refused, unauthorized

TOKEN_SECONDS = 32_400
_ALPHABET = string.ascii_uppercase + string.digits

Publish = Callable[["PayPalCall", str, str, Document, str], None]


def new_id(length: int = 17) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


@dataclass
class PayPalCall(Call):
    publish: Publish

    @property
    def now(self) -> str:
        return text_of(datetime.now(UTC))

    def tell(self, event_type: str, resource_type: str, resource: Document, summary: str) -> None:
        """Adds an event, and its webhook, to the transaction."""
        self.publish(self, event_type, resource_type, resource, summary)

    def find(self, kind: str, identifier: str | None = None) -> Document:
        """The one in the URL, unless named."""
        found = self.books.get(kind, identifier or self.path["id"])
        if found is None:
            raise refused("INVALID_RESOURCE_ID", status=404)
        return found


def text_of(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Credentials:
    """Tokens are signed, not stored: they outlive a restart and end by themselves."""

    client_id: str
    client_secret: str

    def issue(self) -> Document:
        expires = f"{int(time.time()) + TOKEN_SECONDS}"
        return {
            "scope": "https://uri.paypal.com/services/payments/.* https://uri.paypal.com/services/applications/webhooks",
            "access_token": f"A21AA{expires}.{self._seal(expires)}", "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T", "expires_in": TOKEN_SECONDS, "nonce": secrets.token_hex(8),
        }  # fmt: skip

    def accepts(self, token: str) -> bool:
        expires, _, seal = token.removeprefix("A21AA").partition(".")
        return expires.isdigit() and int(expires) > time.time() and hmac.compare_digest(seal, self._seal(expires))

    def are(self, basic: str) -> bool:
        try:
            given = base64.b64decode(basic, validate=True)
        except binascii.Error:
            return False
        return hmac.compare_digest(given, f"{self.client_id}:{self.client_secret}".encode())

    def _seal(self, expires: str) -> str:
        words = f"{self.client_id} {expires}".encode()
        return hmac.new(self.client_secret.encode(), words, hashlib.sha256).hexdigest()


class PayPalDialect:
    def __init__(self, books: Books, publish: Publish, credentials: Credentials, public_url: str | None) -> None:
        self._books = books
        self._publish = publish
        self._credentials = credentials
        self._public_url = public_url

    def open_call(self, request: Request, body: bytes, fault: Fault | None) -> PayPalCall:
        path = request.url.path
        if path == "/v1/oauth2/token":
            self._check_client(request)
        elif path.startswith("/v1/") and not path.startswith("/v1/notifications/certs/"):
            self._check_token(request)
        form = request.method == "GET" or path == "/v1/oauth2/token"
        params = dict(request.query_params) if form else _document(body)
        base_url = self._public_url or str(request.base_url).rstrip("/")
        return PayPalCall(self._books, params, request.path_params, base_url, fault, self._publish)

    def issue_token(self, call: PayPalCall) -> Answer:
        return Answer(200, self._credentials.issue())

    def idempotency_key(self, request: Request, call: PayPalCall) -> str | None:
        """PayPal keeps them per kind of call; its SDK sends one with every post."""
        key = request.headers.get("paypal-request-id")
        return f"{request.url.path} {key}" if key else None

    def key_reused(self, request: Request) -> Refusal:
        return refused("DUPLICATE_REQUEST_ID")

    def key_in_use(self, request: Request) -> Refusal:
        return refused("PREVIOUS_REQUEST_IN_PROGRESS", status=409)

    def broken(self, fault: Fault) -> Refusal:
        return refused("INTERNAL_SERVICE_ERROR", status=fault.status, message=fault.message)

    def unknown_url(self, request: Request) -> Refusal:
        return refused("INVALID_RESOURCE_ID", status=404, message=f"There is no {request.method} {request.url.path}.")

    def headers(self, request: Request) -> dict[str, str]:
        return {"paypal-debug-id": debug_id()}

    def _check_client(self, request: Request) -> None:
        scheme, _, basic = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic" or not self._credentials.are(basic):
            raise unauthorized("invalid_client", "Client Authentication failed")

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._credentials.accepts(token):
            raise unauthorized("invalid_token", "Token signature verification failed")


def _document(body: bytes) -> Document:
    try:
        document = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise refused("MALFORMED_REQUEST") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise refused("MALFORMED_REQUEST")
    return document
