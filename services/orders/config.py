"""What this service reads from its environment, beside what every service reads."""

from dataclasses import dataclass

from chassis.config import Held, ServiceSettings, setting


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


_held: Held[Settings] = Held(__name__)
configure, current = _held.configure, _held.current
