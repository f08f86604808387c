"""The user that root lends a program to which refuses to run as root."""

import os
import pwd
import re
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

CANDIDATES = ("postgres", "nobody")
READING = "dac_read_search"
CAP_DAC_READ_SEARCH = 1 << 2


@dataclass(frozen=True)
class Unprivileged:
    user_id: int
    group_id: int

    @classmethod
    def when_root(cls, *, owner_of: Path) -> Self | None:
        """Whoever owns that folder already, else a user made for it. None for all but root: they run as themselves."""
        if os.geteuid() != 0:
            return None
        if owner_of.exists() and (owner := owner_of.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid)
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = next((known[name] for name in CANDIDATES if name in known), None)
        if entry is None:
            raise RuntimeError("PostgreSQL does not run as root, and this machine has no user postgres or nobody.")
        return cls(entry.pw_uid, entry.pw_gid)

    def lend(self, command: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
        """The command, and what subprocess.run shall know, so that it runs as this user."""
        if not _can_pass_on_reading():
            return [*command], {"user": self.user_id, "group": self.group_id, "extra_groups": []}
        identity = [f"--reuid={self.user_id}", f"--regid={self.group_id}", "--clear-groups"]
        return ["setpriv", *identity, f"--inh-caps=+{READING}", f"--ambient-caps=+{READING}", "--", *command], {}

    def give(self, *paths: Path) -> None:
        for path in paths:
            os.chown(path, self.user_id, self.group_id)

    def let_reach(self, *folders: Path) -> None:
        """Folders above may keep others out, as a private home or a mktemp folder does. The user is given the right to
        pass through; where that cannot be given, the folders let everybody pass (not list them)."""
        if _can_pass_on_reading():
            return
        for folder in folders:
            for step in (folder, *folder.parents):
                mode = step.stat().st_mode
                if not mode & stat.S_IXOTH:
                    step.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)

    def kept_out_by(self, folder: Path) -> Path | None:
        """The first folder on the way that does not let this user pass, None where all do.

        The right to pass that was lent does not help a program that asks whether it may: access(2) counts its own rights only.
        """
        for step in (*reversed(folder.parents), folder):
            status = step.stat()
            if not (status.st_mode & stat.S_IXOTH or status.st_uid == self.user_id):
                return step
        return None


def _can_pass_on_reading() -> bool:
    """Linux, and a root who has not lost that right (a container's may have)."""
    status = Path("/proc/self/status")
    if shutil.which("setpriv") is None or not status.exists():
        return False
    effective = re.search(r"^CapEff:\s*([0-9a-f]+)$", status.read_text(), re.MULTILINE)
    return effective is not None and bool(int(effective[1], 16) & CAP_DAC_READ_SEARCH)
