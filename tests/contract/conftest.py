"""The people of all scenes."""

import pytest

from tests.contract.scene import People
from tests.journey.stage import Stage


@pytest.fixture(scope="session")
def people(stage: Stage) -> People:
    """An admin, an organizer, a buyer and a stranger."""
    return People(stage)
