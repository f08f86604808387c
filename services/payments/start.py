"""What every process of payments does before it works, and when it ends."""

from collections.abc import Sequence

from chassis import jsonapi
from services.payments import config, errands, jobs
from services.payments.api import stripe_authorizations  # noqa: F401 (declares the resource that prepare checks)
from services.payments.clients import accounts
from services.payments.config import Settings
from services.payments.models import Base


def prepare(settings: Settings, roles: Sequence[str]) -> None:
    """Providers are configured, not called: payments starts also when they are down."""
    config.configure(settings)
    accounts.configure(settings)
    jsonapi.prepare(Base.metadata)
    if "worker" in roles:
        errands.start(jobs.run_errands)


def stop() -> None:
    """Lets a refund that is under way end."""
    errands.stop()
