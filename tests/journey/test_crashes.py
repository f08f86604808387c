"""Any one process is killed in the middle of purchases and started again."""

import os

import pytest

from gateway.config import SERVICES
from tests.journey.crashing import purchases_end_well_although_it_is_killed
from tests.journey.stage import Stage

# A PostgreSQL that was given is not ours to kill; the run on embedded defaults kills its own.
VICTIMS = (*SERVICES, "gateway", *(() if "TEST_POSTGRES_URL" in os.environ else ("postgres",)))


@pytest.mark.parametrize("victim", VICTIMS)
def test_purchases_end_well_although_one_process_is_killed(stage: Stage, victim: str) -> None:
    purchases_end_well_although_it_is_killed(stage, stage.system.parts[victim])
