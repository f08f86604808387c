"""Which path does what at the fake PayPal."""

from collections.abc import Callable, Sequence
from pathlib import Path

from starlette.routing import Route
from starlette.types import ASGIApp

from local.fakes.answers import Answer
from local.fakes.desk import Desk
from local.fakes.paypal import approval, payments, sales
from local.fakes.paypal.caller import Credentials, PayPalCall, PayPalDialect
from local.fakes.paypal.notifications import Notifications
from local.fakes.paypal.signature import Signer
from local.fakes.server import Provider

Work = Callable[[PayPalCall], Answer]

KINDS = {"payments": "payment", "sales": "sale", "refunds": "refund", "events": "event"}


def build(
    books: Path,
    own_url: str,
    credentials: Credentials,
    webhook_id: str,
    webhook_url: str | None = None,
    webhook_events: Sequence[str] = ("*",),
    public_url: str | None = None,
    *,
    quiet: bool = False,
) -> ASGIApp:
    """`own_url` is where the shop's servers reach it, `public_url` where browsers do, if that differs."""
    provider = Provider(books)
    signer = Signer.of(provider.books, own_url)
    notifications = Notifications(provider.deliveries, signer, webhook_id, webhook_url, webhook_events)
    dialect = PayPalDialect(provider.books, notifications.publish, credentials, public_url)
    desk = Desk(provider.books, provider.faults, dialect, quiet=quiet)
    work: list[tuple[str, str, Work]] = [
        ("POST", "/v1/oauth2/token", dialect.issue_token),
        ("POST", "/v1/payments/payment", payments.create_payment),
        ("GET", "/v1/payments/payment", payments.list_payments),
        ("GET", "/v1/payments/payment/{id}", payments.retrieve_payment),
        ("POST", "/v1/payments/payment/{id}/execute", payments.execute_payment),
        ("GET", "/v1/payments/sale/{id}", sales.retrieve_sale),
        ("POST", "/v1/payments/sale/{id}/refund", sales.refund_sale),
        ("GET", "/v1/payments/refund/{id}", sales.retrieve_refund),
        ("POST", "/v1/notifications/verify-webhook-signature", notifications.verify),
        ("GET", "/v1/notifications/webhooks-events", notifications.listed),
        ("GET", "/v1/notifications/webhooks-events/{id}", notifications.retrieve),
        ("POST", "/v1/notifications/webhooks-events/{id}/resend", notifications.resend),
        ("GET", "/v1/notifications/certs/{name}", notifications.certificate),
    ]
    routes = [Route(path, desk.serves(does), methods=[method]) for method, path, does in work]
    routes.append(Route("/cgi-bin/webscr", desk.serves(approval.open_page, writes=True)))
    return provider.application(routes, KINDS, signer.sign, desk.unknown_url)
