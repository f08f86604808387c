"""What the gateway reads from its environment."""

from dataclasses import dataclass

from chassis.config import BaseUrl, setting

SERVICES = ("accounts", "events", "orders", "payments", "tickets")


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """One process serves all five services' public paths."""

    broker_url: str = setting("BROKER_URL", doc="the broker, for ended sessions and rotated keys", secret=True)
    http_address: str = setting("HTTP_ADDRESS", doc="host:port where people reach us", default="127.0.0.1:8080")
    accounts_grpc: str = setting("ACCOUNTS_GRPC", doc="host:port of accounts' gRPC (keys)", default="127.0.0.1:9101")
    accounts_http: BaseUrl = setting("ACCOUNTS_HTTP", doc="base URL of accounts", default="http://127.0.0.1:8101")
    events_http: BaseUrl = setting("EVENTS_HTTP", doc="base URL of events", default="http://127.0.0.1:8102")
    orders_http: BaseUrl = setting("ORDERS_HTTP", doc="base URL of orders", default="http://127.0.0.1:8103")
    payments_http: BaseUrl = setting("PAYMENTS_HTTP", doc="base URL of payments", default="http://127.0.0.1:8104")
    tickets_http: BaseUrl = setting("TICKETS_HTTP", doc="base URL of tickets", default="http://127.0.0.1:8105")
    service_secret: str = setting("SERVICE_SECRET", doc="what the gateway shows when it calls accounts", secret=True)
    traces_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        doc="an OpenTelemetry collector (OTLP over HTTP), http://collector:4318 say; empty: no traces are recorded",
        default="",
    )
    cors_origins: str = setting(
        "CORS_ORIGINS",
        doc="origins of browsers that may call, comma separated; * for any (no cookies are used)",
        default="*",
    )
    rate_per_minute: int = setting("RATE_PER_MINUTE", doc="requests per minute and caller", default=600)
    rate_auth_per_minute: int = setting(
        "RATE_AUTH_PER_MINUTE", doc="requests per minute and address to log in, sign up and the like", default=20
    )
    rate_webhooks_per_minute: int = setting(
        "RATE_WEBHOOKS_PER_MINUTE", doc="webhooks per minute and address of a payment provider", default=60_000
    )
    trusted_proxies: int = setting(
        "TRUSTED_PROXIES",
        doc="how many proxies of yours stand before the gateway and add to X-Forwarded-For",
        default=0,
    )
    upstream_timeout_seconds: float = setting(
        "UPSTREAM_TIMEOUT_SECONDS",
        doc="how long a service may take to answer; above orders' CHARGE_TIMEOUT_SECONDS",
        default=30.0,
    )
    metrics_address: str = setting(
        "METRICS_ADDRESS",
        doc="host:port of /metrics; the public address does not show it then, which is what you want",
        default="",
    )
    log_level: str = setting("LOG_LEVEL", doc="DEBUG, INFO, WARNING or ERROR", default="INFO")

    def upstreams(self) -> dict[str, str]:
        """Service name to base URL."""
        return {name: getattr(self, f"{name}_http") for name in SERVICES}
