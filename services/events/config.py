"""What events reads from its environment."""

from dataclasses import dataclass

from chassis.config import Held, ServiceSettings, setting
from chassis.mail import MailSettings


@dataclass(frozen=True)
class Settings(MailSettings, ServiceSettings):
    """Settings of events."""

    providers: str = setting(
        "PAYMENT_PROVIDERS", doc="which providers payments can use, as clients are told", default="stripe,paypal"
    )
    invite_days: int = setting("INVITE_DAYS", doc="how many days an invitation to a team can be accepted", default=14)
    data_epoch: int = setting(
        "DATA_EPOCH", doc="raise it by one after restoring this database from a backup: replicas then follow", default=0
    )
    repair_after_seconds: int = setting(
        "REPAIR_AFTER_SECONDS", doc="when a restriction without its commit counts as cut off", default=30
    )


_held: Held[Settings] = Held(__name__)
configure, current = _held.configure, _held.current
