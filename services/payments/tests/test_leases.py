"""A lease must outlive the calls that it covers, whatever time-outs an operator sets: or two would talk at once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from chassis import clock
from services.payments import config
from services.payments.clients.stripe_api import RETRIES
from services.payments.commands import leases
from services.payments.config import Settings

TimeOuts = Callable[[float, float], None]


@pytest.fixture
def time_outs(settings: Settings) -> Iterator[TimeOuts]:
    def take(connect_seconds: float, read_seconds: float) -> None:
        changed = replace(settings, provider_connect_seconds=connect_seconds, provider_read_seconds=read_seconds)
        config.configure(changed)

    yield take
    config.configure(settings)


@pytest.mark.parametrize(("connect_seconds", "read_seconds"), [(3, 10), (3, 3), (5, 60)])
def test_a_lease_outlives_a_look_and_a_charge_with_their_repetitions(
    time_outs: TimeOuts, connect_seconds: int, read_seconds: int
) -> None:
    time_outs(connect_seconds, read_seconds)
    talk = timedelta(seconds=2 * (1 + RETRIES) * (connect_seconds + read_seconds))
    assert talk < leases.end() - clock.now() < talk + timedelta(seconds=10)


def test_as_shipped_it_is_a_minute(time_outs: TimeOuts) -> None:
    time_outs(Settings.provider_connect_seconds, Settings.provider_read_seconds)
    assert timedelta(seconds=59) < leases.end() - clock.now() <= timedelta(seconds=60)
