"""The paths of exports."""

from types import SimpleNamespace
from typing import Any

import pytest

from chassis.errors import NotFound
from chassis.exports import Exports


def settings() -> Any:
    """Of two services that were given one secret."""
    return SimpleNamespace(service_secret="shared", public_url="http://gateway")


def test_a_path_of_one_service_opens_nothing_in_another(app: Any) -> None:
    theirs, ours = Exports("/v1/theirs", settings), Exports("/v1/ours", settings)
    task: dict[str, Any] = theirs.start("orders", 7).get_json()
    token = task["task_url"].rpartition("/")[2]
    assert theirs.file(token, "orders.csv", {"orders": lambda number: [[number]]}).get_data() == b"7\r\n"
    with pytest.raises(NotFound):
        ours.file(token, "orders.csv", {"orders": lambda number: [[number]]})
