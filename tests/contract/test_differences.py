"""docs/compatibility.md says why ours differs; what it lists is real, and what it refers to exists."""

import re
from pathlib import Path

import pytest

from tests.contract.differences import Difference, differences
from tests.contract.documented import PARAMETER, transactions
from tests.contract.scene import People

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/compatibility.md").read_text(encoding="utf-8")
WEAK_POINTS = 25


@pytest.mark.parametrize("difference", differences(), ids=lambda difference: difference.key)
def test_a_difference_is_explained_and_about_documented_calls(difference: Difference) -> None:
    assert re.search(rf"^\| `{difference.key}` \| .{{20,}} \| .{{20,}} \|$", PAGE, re.MULTILINE)
    documented = {each.call for each in transactions()}
    types = {each.resource.type for each in transactions() if each.resource}
    assert {*difference.absent, *difference.partial} <= documented
    assert set(difference.shown) <= documented | types


def test_every_explained_difference_is_listed() -> None:
    table = PAGE.split("## Answers that differ")[1].split("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)`", table, re.MULTILINE) == [each.key for each in differences()]


@pytest.mark.parametrize(
    ("call", "status"), [pair for each in differences() for pair in each.absent.items()], ids=lambda part: str(part)
)
def test_an_absent_call_is_absent(people: People, call: str, status: int) -> None:
    method, path = call.split()
    body = None if method == "GET" else {"data": {"type": "any", "id": "1", "attributes": {}}}
    answer = people.organizer.send(method, PARAMETER.sub("1", path), json=body)
    assert answer.status_code in {status, 405}  # 405: another method of the same path is there
    assert answer.json()["errors"][0]["code"] in {"no-such-path", "method-not-allowed"}


def test_every_weak_point_has_its_line() -> None:
    table = PAGE.split("## Weak points")[1]
    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == [str(at) for at in range(1, WEAK_POINTS + 1)]


@pytest.mark.parametrize("reference", sorted(set(re.findall(r"`([a-z_/]+\.py)::(test_[a-z_0-9]+)`", PAGE))))
def test_a_test_that_is_referred_to_exists(reference: tuple[str, str]) -> None:
    path, name = reference
    assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")
