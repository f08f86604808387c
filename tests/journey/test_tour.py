"""The README's tour, word for word: its shell blocks are run against a system with the demo data."""

from pathlib import Path

from tests.journey.following import examples_of, follow
from tests.journey.stage import Stage, text_of_pdf


def test_the_tour_ends_with_tickets_in_the_hand(stage: Stage, tmp_path: Path) -> None:
    script = "\n".join(["set -euo pipefail", *(block for block, _ in examples_of("README.md"))])
    done = follow(stage.system, script, tmp_path, within_seconds=90)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert '"name": "Harbour Lights Festival"' in said
    assert '"total":78.4' in said
    assert "costs 78.4 and is initializing" in said
    assert "stripe://payment\ncompleted" in said
    pdf = (tmp_path / "var" / "tickets.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert "Ada Lovelace" in text_of_pdf(pdf)
