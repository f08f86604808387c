"""docs/rules.md names for each rule the tests that hold it; they exist, and no rule is left out."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")
RULES = 31


def test_every_rule_has_its_rows_in_order() -> None:
    numbers = [int(number) for number, _, _ in ROW.findall(PAGE)]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, RULES + 1))


def test_every_row_names_tests_and_nothing_else() -> None:
    for number, what, tests in ROW.findall(PAGE):
        assert NAMED.search(tests), f"rule {number}: {what}"
        assert NAMED.sub("", tests).strip(", ") == "", f"rule {number}: {what}"


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED.findall(PAGE))), ids=str)
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
