"""docs/examples.md, word for word: each shell block is run, and says what stands below it."""

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from local import demo
from local.secrets import load_or_make
from tests.journey.stage import Stage

PAGE = (Path(__file__).parents[2] / "docs/examples.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```sh\n(.*?)^```\n(?:\n```\n(.*?)^```)?", PAGE, re.MULTILINE | re.DOTALL)
MARK = "=== the next example"


@pytest.mark.timeout(400)
def test_each_example_says_what_the_page_says(stage: Stage, tmp_path: Path) -> None:
    """On the page `…` stands for what differs from run to run, or is left out."""
    system = stage.system
    secrets = replace(load_or_make(tmp_path / "demo.json"), super_admin_password=system.super_admin_password)
    demo.load(system.url, secrets)
    (tmp_path / "var").mkdir()
    system.show_mails(tmp_path / "var" / "mail")
    said, errors = run(system.url, system.stripe_url, system.super_admin_password, tmp_path)
    for (script, expected), answer in zip(EXAMPLES, said, strict=True):
        pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
        assert re.fullmatch(pattern, answer.strip()), f"{script}\nsays\n{answer}\ninstead of\n{expected}\n{errors}"


def run(url: str, stripe_url: str, admin_password: str, folder: Path) -> tuple[list[str], str]:
    """What each block printed, and what went to the error output. One shell runs all, so that later ones know earlier ones."""
    script = "".join(f"{block}\necho; echo '{MARK}'\n" for block, _ in EXAMPLES)
    script = script.replace("http://127.0.0.1:8080", url).replace("http://127.0.0.1:8201", stripe_url)
    environment = {**os.environ, "ADMIN_PASSWORD": admin_password}
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=220, env=environment
    )
    return done.stdout.split(f"{MARK}\n")[:-1], done.stderr
