"""Which path does what at the fake Stripe."""

from collections.abc import Callable
from pathlib import Path

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp

from local.fakes.answers import Answer
from local.fakes.deliveries import Subscription
from local.fakes.desk import Desk
from local.fakes.server import Provider
from local.fakes.stripe import bank, charges, connect, events, intents, payment_methods, refunds
from local.fakes.stripe.caller import StripeCall, StripeDialect

Work = Callable[[StripeCall], Answer]

ROUTES: list[tuple[str, str, Work]] = [
    ("POST", "/v1/tokens", payment_methods.create_token),
    ("GET", "/v1/tokens/{id}", payment_methods.retrieve_token),
    ("POST", "/v1/payment_methods", payment_methods.create_payment_method),
    ("GET", "/v1/payment_methods/{id}", payment_methods.retrieve_payment_method),
    ("POST", "/v1/charges", charges.create_charge),
    ("GET", "/v1/charges", charges.list_charges),
    ("GET", "/v1/charges/{id}", charges.retrieve_charge),
    ("POST", "/v1/charges/{id}/capture", charges.capture_charge),
    ("POST", "/v1/payment_intents", intents.create_intent),
    ("GET", "/v1/payment_intents", intents.list_intents),
    ("GET", "/v1/payment_intents/{id}", intents.retrieve_intent),
    ("POST", "/v1/payment_intents/{id}", intents.update_intent),
    ("POST", "/v1/payment_intents/{id}/confirm", intents.confirm_intent),
    ("POST", "/v1/payment_intents/{id}/capture", intents.capture_intent),
    ("POST", "/v1/payment_intents/{id}/cancel", intents.cancel_intent),
    ("POST", "/v1/refunds", refunds.create_refund),
    ("GET", "/v1/refunds", refunds.list_refunds),
    ("GET", "/v1/refunds/{id}", refunds.retrieve_refund),
    ("POST", "/v1/refunds/{id}", refunds.update_refund),
    ("GET", "/v1/events", events.list_events),
    ("GET", "/v1/events/{id}", events.retrieve_event),
    ("POST", "/v1/webhook_endpoints", events.create_endpoint),
    ("GET", "/v1/webhook_endpoints", events.list_endpoints),
    ("GET", "/v1/webhook_endpoints/{id}", events.retrieve_endpoint),
    ("DELETE", "/v1/webhook_endpoints/{id}", events.delete_endpoint),
    ("GET", "/v1/account", connect.retrieve_account),
    ("GET", "/v1/accounts/{id}", connect.retrieve_account),
    ("GET", "/oauth/authorize", connect.authorize),
    ("POST", "/oauth/token", connect.exchange_token),
    ("POST", "/oauth/deauthorize", connect.deauthorize),
]
KINDS = {
    "charges": "charge", "payment_intents": "payment_intent", "refunds": "refund", "events": "event",
    "accounts": "account", "webhook_endpoints": "webhook_endpoint",
}  # fmt: skip


def build(
    books: Path,
    subscription: Subscription | None,
    public_url: str | None = None,
    *,
    quiet: bool = False,
) -> ASGIApp:
    """`public_url` is where browsers reach it, if that differs from where servers do."""
    provider = Provider(books)
    publisher = events.Publisher(provider.deliveries, subscription)
    dialect = StripeDialect(provider.books, publisher.publish, public_url)
    desk = Desk(provider.books, provider.faults, dialect, quiet=quiet)
    routes = [Route(path, desk.serves(work), methods=[method]) for method, path, work in ROUTES]
    routes.append(Route("/3ds/{id}", desk.serves(bank.open_page, writes=True)))
    application = provider.application(routes, KINDS, events.sign, desk.unknown_url)
    # stripe.js confirms from a page that another server sent.
    return CORSMiddleware(application, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
