"""The journeys once more, through containers: PostgreSQL, RabbitMQ and every service from its image. `make e2e`."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.system import ROOT, ComposeSystem
from tests.journey.stage import Stage


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeSystem]:
    """One system for all journeys; what its containers said goes to var/e2e when it ends."""
    made = ComposeSystem(tmp_path_factory.mktemp("e2e"))
    try:
        made.compose.start()
        yield made
    except subprocess.CalledProcessError as error:
        raise RuntimeError((error.stderr or b"").decode(errors="replace")[-4000:]) from error
    finally:  # also of a system that did not come up
        made.keep_logs(ROOT / "var/e2e")
        made.remove()


@pytest.fixture(scope="session")
def stage(system: ComposeSystem) -> Stage:
    """The platform as its operator leaves it."""
    return Stage(system).set_up()
