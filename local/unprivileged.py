"""The user that root lends a program to which refuses to run as root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

CANDIDATES = ("postgres", "nobody")


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

    @property
    def identity(self) -> dict[str, Any]:
        """For subprocess.run."""
        return {"user": self.user_id, "group": self.group_id, "extra_groups": []}

    def give(self, *paths: Path) -> None:
        for path in paths:
            os.chown(path, self.user_id, self.group_id)

    def let_reach(self, *folders: Path) -> None:
        """Lets others pass through the folders above (not list them): private homes and mktemp folders forbid it."""
        for folder in folders:
            for step in (folder, *folder.parents):
                mode = step.stat().st_mode
                if not mode & stat.S_IXOTH:
                    step.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
