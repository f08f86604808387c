"""docs/examples.md, word for word: each shell block is run, and says what stands below it."""

import re
from pathlib import Path

import pytest

from tests.journey.following import examples_of, follow
from tests.journey.stage import Stage

MARK = "=== the next example"


@pytest.mark.timeout(420)  # about a minute on a machine that does nothing else
def test_each_example_says_what_the_page_says(stage: Stage, tmp_path: Path) -> None:
    """On the page `…` stands for what differs from run to run, or is left out. One shell runs all blocks."""
    examples = examples_of("docs/examples.md")
    script = "".join(f"{block}\necho; echo '{MARK}'\n" for block, _ in examples)
    try:
        done = follow(stage.system, script, tmp_path, within_seconds=360)
    finally:
        stage.set_up()  # an example that stopped half-way may have left a module off
    said = done.stdout.split(f"{MARK}\n")[:-1]
    for (block, expected), answer in zip(examples, said, strict=True):
        pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
        assert re.fullmatch(pattern, answer.strip()), f"{block}\nsays\n{answer}\ninstead of\n{expected}\n{done.stderr}"
