"""What this service reads from its environment, beside what every service reads."""

from dataclasses import dataclass

from chassis.config import ServiceSettings, setting


@dataclass(frozen=True)
class Settings(ServiceSettings):
    """Settings of orders."""

    frees_need_verification: bool = setting(
        "FREE_ORDERS_NEED_VERIFIED_EMAIL",
        doc="whether an order of free tickets only needs a verified address",
        default=True,
    )
    offer_timeout_seconds: float = setting(
        "OFFER_TIMEOUT_SECONDS", doc="how long events may take for an offer", default=5.0
    )
    charge_timeout_seconds: float = setting(
        "CHARGE_TIMEOUT_SECONDS",
        doc="how long payments may take for a charge before its outcome counts as unknown (202); below the gateway's "
        "UPSTREAM_TIMEOUT_SECONDS, whose clock starts first, and not below two calls of payments to a provider (26)",
        default=27.0,
    )


_current: Settings | None = None


def configure(settings: Settings) -> None:
    """Binds this process to its settings."""
    global _current
    _current = settings


def current() -> Settings:
    """The settings of this process. Raises RuntimeError before `configure`."""
    if _current is None:
        raise RuntimeError("services.orders.config.configure() has not been called in this process")
    return _current
