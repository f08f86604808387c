"""Documentation that is followed word for word: its shell blocks run on a system with the demo data, as one script."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from local import demo
from local.secrets import load_or_make
from tests.journey.running import Running

DOCUMENTATION = Path(__file__).resolve().parents[2]
_EXAMPLE = re.compile(r"^```sh\n(.*?)^```\n(?:\n```\n(.*?)^```)?", re.MULTILINE | re.DOTALL)


def examples_of(page: str) -> list[tuple[str, str]]:
    """Each shell block of a page, and what the block right below it shows (empty when there is none)."""
    return _EXAMPLE.findall((DOCUMENTATION / page).read_text(encoding="utf-8"))


def follow(system: Running, script: str, folder: Path, *, within_seconds: float) -> subprocess.CompletedProcess[str]:
    """Runs `script` in `folder` as a reader would after `make up`, with this system's addresses and passwords."""
    secrets = replace(load_or_make(folder / "demo.json"), super_admin_password=system.super_admin_password)
    demo.load(system.url, secrets)
    (folder / "var").mkdir()
    system.show_mails(folder / "var" / "mail")
    for written, here in (
        ("http://127.0.0.1:8080", system.url),
        ("http://127.0.0.1:8201", system.stripe_url),
        (".venv/bin/python", sys.executable),
    ):
        script = script.replace(written, here)
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**os.environ, "ADMIN_PASSWORD": system.super_admin_password},
        capture_output=True,
        text=True,
        timeout=within_seconds,
    )
