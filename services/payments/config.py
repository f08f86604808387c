"""What payments reads from its environment beside what every service reads."""

from dataclasses import dataclass

from chassis.config import BaseUrl, Held, ServiceSettings, setting


@dataclass(frozen=True)
class Settings(ServiceSettings):
    """Providers are off until they have a key: an order in that mode is refused with 409 `provider-not-configured`."""

    stripe_api_base: BaseUrl = setting("STRIPE_API_BASE", doc="where Stripe's API is", default="https://api.stripe.com")
    stripe_connect_base: BaseUrl = setting(
        "STRIPE_CONNECT_BASE", doc="where Stripe's OAuth is", default="https://connect.stripe.com"
    )
    stripe_secret_key: str = setting("STRIPE_SECRET_KEY", doc="the platform's sk_…", default="", secret=True)
    stripe_webhook_secret: str = setting(
        "STRIPE_WEBHOOK_SECRET", doc="whsec_… of /v1/webhooks/stripe; two, comma separated, while one replaces the other",
        default="", secret=True,
    )  # fmt: skip
    paypal_api_base: BaseUrl = setting("PAYPAL_API_BASE", doc="where PayPal's API is", default="https://api.paypal.com")
    paypal_client_id: str = setting("PAYPAL_CLIENT_ID", doc="of the platform's PayPal app", default="")
    paypal_client_secret: str = setting("PAYPAL_CLIENT_SECRET", doc="its secret", default="", secret=True)
    paypal_webhook_id: str = setting("PAYPAL_WEBHOOK_ID", doc="the id PayPal gave to /v1/webhooks/paypal", default="")
    secrets_keys: str = setting(
        "SECRETS_KEYS", doc="keys that encrypt organizers' secrets: id:base64 of 32 bytes, …; the first encrypts, all decrypt",
        default="", secret=True,
    )  # fmt: skip
    provider_proxy: str = setting("PROVIDER_PROXY", doc="HTTP proxy on the way to the providers", default="")
    provider_connect_seconds: float = setting("PROVIDER_CONNECT_SECONDS", doc="time-out of connecting", default=3.0)
    provider_read_seconds: float = setting("PROVIDER_READ_SECONDS", doc="time-out of one answer", default=10.0)
    refund_window_days: int = setting(
        "REFUND_WINDOW_DAYS",
        doc="how long after a capture a removed Stripe authorization keeps its secret",
        default=180,
    )
    data_epoch: int = setting(
        "DATA_EPOCH", doc="raise it by one after restoring this database from a backup: replicas then follow", default=0
    )
    grpc_threads: int = setting(
        "GRPC_THREADS", doc="gRPC calls a process works on at the same time; most wait for a provider", default=32
    )


_held: Held[Settings] = Held(__name__)
configure, current = _held.configure, _held.current
