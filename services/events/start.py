"""What every process of events does before it works."""

from collections.abc import Sequence

from chassis import jsonapi, mail
from services.events import api, config, details, offers
from services.events.config import Settings
from services.events.models import Base


def prepare(settings: Settings, _roles: Sequence[str]) -> None:
    """Once per process: settings, mail, and every resource's declaration checked."""
    config.configure(settings)
    mail.configure(settings.mail_url, settings.mail_from)
    api.load()
    jsonapi.prepare(Base.metadata)
    offers.forget_all()
    details.forget_all()
