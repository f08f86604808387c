"""What tickets reads from its environment."""

from dataclasses import dataclass

from chassis.config import ServiceSettings, setting
from chassis.mail import MailSettings


@dataclass(frozen=True, kw_only=True)
class Settings(MailSettings, ServiceSettings):
    """The settings of tickets."""

    ticket_signing_keys: str = setting(
        "TICKET_SIGNING_KEYS",
        doc="keys that sign the QR codes, `id:base64,id:base64` with 32 bytes each: the first signs, all verify",
        secret=True,
    )
    storage_url: str = setting(
        "STORAGE_URL",
        doc="where PDFs are kept: file:///folder, or s3://key:secret@host:port/bucket/prefix?secure=0&region=…",
        default="file:///var/stagedoor/files",
        secret=True,
    )
    render_workers: int = setting("RENDER_WORKERS", doc="processes that draw PDFs, per worker process", default=2)
    platform_name: str = setting("PLATFORM_NAME", doc="the name on tickets and mails", default="Stagedoor")
    platform_colour: str = setting("PLATFORM_COLOUR", doc="the colour on tickets and mails, #rrggbb", default="#23395d")
