"""What every process does before it serves, and the renderers of a worker."""

import re
from collections.abc import Sequence

from chassis import mail
from chassis.config import MisconfiguredError
from services.tickets import mails, pages, stored
from services.tickets.config import Settings
from services.tickets.domain.qr import Keys
from services.tickets.pages import Desk
from services.tickets.renderer import Renderers
from services.tickets.rendering.pool import RenderPool
from services.tickets.rendering.views import PlatformView
from services.tickets.storage import open_storage

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\Z")

_pool: RenderPool | None = None
_renderers: Renderers | None = None


def prepare(settings: Settings, roles: Sequence[str]) -> None:
    """Configures this process; a worker starts to draw what is due."""
    global _pool, _renderers
    if not _COLOUR.match(settings.platform_colour):
        raise MisconfiguredError(f"PLATFORM_COLOUR must be like #23395d, not {settings.platform_colour!r}")
    platform = PlatformView(settings.platform_name, settings.public_url, settings.platform_colour)
    keys = Keys.parse(settings.ticket_signing_keys)
    pages.configure(Desk(keys, platform, settings.public_url, settings.frontend_url))
    stored.configure(open_storage(settings.storage_url))
    mail.configure(settings.mail_url, settings.mail_from, mails.Pdfs())
    if "worker" in roles:
        _pool = RenderPool(settings.render_workers)
        _pool.warm_up()
        _renderers = Renderers(_pool, stored.storage(), settings.render_workers)
        _renderers.start()


def stop() -> None:
    """Finishes the pages at hand."""
    global _pool, _renderers
    if _renderers is not None:
        _renderers.stop()
    if _pool is not None:
        _pool.close()
    _pool, _renderers = None, None


def wake_renderers() -> None:
    """Something may be due. In a process without renderers nothing happens; those of others look once a second."""
    if _renderers is not None:
        _renderers.wake()
