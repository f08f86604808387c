"""What a journey needs of a running system, wherever it runs: in processes of this machine, or in containers."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from local.postgres import EmbeddedPostgres
from local.system import System


class Part(Protocol):
    """A service or an engine that can be killed as a power cut would, or stopped, and started again."""

    def kill(self) -> None:
        """All its processes end at once."""

    def stop(self) -> None:
        """They finish what they are doing, and end."""

    def start(self) -> None:
        """They start again."""

    def wait_ready(self, deadline: float) -> None:
        """Returns when all can do their work. Raises at `deadline` (time.monotonic)."""


class Running(Protocol):
    """A whole system, reached as its clients and its operator reach it."""

    @property
    def url(self) -> str:
        """The gateway."""

    @property
    def stripe_url(self) -> str:
        """The fake card provider."""

    @property
    def paypal_url(self) -> str:
        """The fake PayPal, as browsers reach it."""

    @property
    def super_admin_password(self) -> str:
        """Of the first super admin."""

    @property
    def database_urls(self) -> Mapping[str, str]:
        """By service."""

    @property
    def parts(self) -> Mapping[str, Part]:
        """By service; also the gateway, and the engines that are ours to break."""

    def mails(self) -> list[bytes]:
        """All mails that were sent, oldest first."""

    def show_mails(self, folder: Path) -> None:
        """Makes `folder`, with all mails that were sent as .eml files."""


class Local:
    """`local.system.System`, as `make up` starts it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.url = system.url
        self.stripe_url = f"http://127.0.0.1:{system.ports.stripe}"
        self.paypal_url = f"http://127.0.0.1:{system.ports.paypal}"
        self.super_admin_password = system.secrets.super_admin_password

    @property
    def database_urls(self) -> Mapping[str, str]:
        """By service."""
        return self.system.database_urls

    @property
    def parts(self) -> Mapping[str, Part]:
        """By service; also the gateway, and the embedded PostgreSQL."""
        server = self.system.postgres
        return self.system.processes if server is None else {**self.system.processes, "postgres": _Database(server)}

    def mails(self) -> list[bytes]:
        """All mails that were sent, oldest first."""
        folder = self.system.mail_folder
        paths = sorted(folder.glob("**/*.eml"), key=_moment_of) if folder.exists() else []
        return [path.read_bytes() for path in paths]

    def show_mails(self, folder: Path) -> None:
        """Also those that come later."""
        folder.symlink_to(self.system.mail_folder)


class _Database:
    """The embedded PostgreSQL as a part."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server

    def kill(self) -> None:
        pid = self._server.pid
        assert pid is not None, "it does not run"
        os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.start()

    def wait_ready(self, deadline: float) -> None:
        """`start` has waited."""


def _moment_of(path: Path) -> int:
    return path.stat().st_mtime_ns
