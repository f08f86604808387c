"""Every documented transaction: the same method and path, a documented status, and everything that it shows, with its type.

Where ours differs on purpose, `differences.yaml` says where and docs/compatibility.md why (test_differences.py).
"""

from typing import Any

import pytest

from tests.contract.attempts import Attempt, attempt
from tests.contract.differences import expected_of, is_partial, is_tried
from tests.contract.documented import Transaction, lacks, transactions
from tests.contract.scene import People, Scene


@pytest.mark.parametrize(
    "documented", [each for each in transactions() if is_tried(each)], ids=lambda documented: documented.name
)
def test_a_documented_transaction(people: People, documented: Transaction) -> None:
    tried = attempt(Scene(people), documented)
    assert _sent(tried, "attributes") >= documented.sends, "the documented request carries more"
    assert _sent(tried, "relationships") >= documented.relates, "the documented request carries more"
    answer = tried.send(documented.method)
    found, expected = lacks(documented, answer, tried.item), expected_of(documented)
    if is_partial(documented):
        assert [str(lack) for lack in found if not lack.is_absent and lack.what not in expected] == []
        assert any(lack.is_absent for lack in found), "listed as partial, but complete"
        data = answer.json()["data"]
        assert people.admin.get(data["links"]["self"])["data"]["id"] == data["id"]
    else:
        assert [str(lack) for lack in found if lack.what not in expected] == []
        assert {lack.what for lack in found} == expected, "listed as different, but as documented"


def _sent(tried: Attempt, part: str) -> set[str]:
    body: Any = tried.body or {}
    data = body.get("data", body)
    return set(data.get(part, data if part == "attributes" else {}))
