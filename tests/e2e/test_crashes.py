"""All containers of a service, the gateway or an engine are killed in the middle of purchases and started again."""

import pytest

from tests.journey.crashing import purchases_end_well_although_it_is_killed
from tests.journey.stage import Stage


@pytest.mark.parametrize("victim", ["orders", "payments", "tickets", "gateway", "postgres", "rabbitmq"])
def test_purchases_end_well_although_one_part_is_killed(stage: Stage, victim: str) -> None:
    purchases_end_well_although_it_is_killed(stage, stage.system.parts[victim])
