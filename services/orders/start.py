"""What every process of orders does before it works."""

from collections.abc import Sequence

from chassis import jsonapi
from services.orders import config
from services.orders.api import resources  # noqa: F401 (declares the types that prepare checks)
from services.orders.config import Settings
from services.orders.models import Base


def prepare(settings: Settings, _roles: Sequence[str]) -> None:
    """Takes over the settings, and checks every type that is declared."""
    config.configure(settings)
    jsonapi.prepare(Base.metadata)
