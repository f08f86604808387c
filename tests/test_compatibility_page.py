"""docs/compatibility.md lists calls that nothing answers; none of them is answered."""

import re
from pathlib import Path

import pytest

from gateway.main import specs
from gateway.routing import RoutingTable

PAGE = (Path(__file__).parents[1] / "docs/compatibility.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Calls that are not answered\n")[2].partition("\n## ")[0]
CALL = re.compile(r"`((?:GET|POST|PATCH|DELETE) /[^`?]+)`")
ROWS = [line.split(" | ")[0] for line in SECTION.splitlines() if line.startswith("| `")]


@pytest.fixture(scope="module")
def table() -> RoutingTable:
    return RoutingTable(specs())


def test_every_row_names_calls() -> None:
    assert len(ROWS) > 10
    assert [row for row in ROWS if not CALL.search(row)] == []


@pytest.mark.parametrize("call", [call for row in ROWS for call in CALL.findall(row)])
def test_what_is_called_unanswered_is(table: RoutingTable, call: str) -> None:
    method, path = call.split()
    assert table.find(method, re.sub(r"\{[a-z]+\}", "17", path)) is None
