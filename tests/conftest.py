"""What journeys and contract share: the whole system, as `make up` starts it, driven through the gateway only.

TEST_POSTGRES_URL and TEST_BROKER_URL name other engines than the embedded ones.
"""

import os
import uuid
from collections.abc import Iterator

import pytest

from local.system import Ports, System
from tests.journey.running import Local, Running
from tests.journey.stage import Stage


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One system for all tests of a run; each makes its own people and events."""
    folder = tmp_path_factory.mktemp("system")
    server_url, broker_url = os.environ.get("TEST_POSTGRES_URL"), os.environ.get("TEST_BROKER_URL")
    prefix = f"journey_{uuid.uuid4().hex[:8]}_" if server_url else "stagedoor_"
    with System(folder, Ports.free(), server_url=server_url, broker_url=broker_url, database_prefix=prefix) as running:
        yield Local(running)


@pytest.fixture(scope="session")
def stage(system: Running) -> Stage:
    """The platform as its operator leaves it: modules on."""
    return Stage(system).set_up()
