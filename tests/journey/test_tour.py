"""The README's tour, word for word: its shell blocks are run against a system with the demo data."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

from local import demo
from local.secrets import load_or_make
from tests.journey.stage import Stage, text_of_pdf

README = Path(__file__).resolve().parent.parent.parent / "README.md"


def test_the_tour_ends_with_tickets_in_the_hand(stage: Stage, tmp_path: Path) -> None:
    system = stage.system
    demo_secrets = replace(load_or_make(tmp_path / "demo.json"), super_admin_password=system.super_admin_password)
    demo.load(system.url, demo_secrets)
    (tmp_path / "var").mkdir()
    system.show_mails(tmp_path / "var" / "mail")
    blocks = re.findall(r"^```sh\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    script = "\n".join(["set -euo pipefail", *blocks]).replace("http://127.0.0.1:8080", system.url)
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert '"name": "Harbour Lights Festival"' in said
    assert '"total":78.4' in said
    assert "costs 78.4 and is initializing" in said
    assert "stripe://payment\ncompleted" in said
    pdf = (tmp_path / "tickets.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert "Ada Lovelace" in text_of_pdf(pdf)
