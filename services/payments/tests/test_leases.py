"""A lease must outlive the calls that it covers, whatever time-outs an operator sets: or two would talk at once."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chassis import clock
from services.payments.clients.stripe_api import RETRIES
from services.payments.commands import leases
from services.payments.config import Settings


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(leases, "_lease", leases._lease)
        yield


@pytest.mark.parametrize(("connect_seconds", "read_seconds"), [(3, 10), (3, 3), (5, 60)])
def test_a_lease_outlives_a_look_and_a_charge_with_their_repetitions(connect_seconds: int, read_seconds: int) -> None:
    leases.configure(connect_seconds, read_seconds)
    talk = timedelta(seconds=2 * (1 + RETRIES) * (connect_seconds + read_seconds))
    assert talk < leases.end() - clock.now() < talk + timedelta(seconds=10)


def test_as_shipped_it_is_a_minute() -> None:
    defaults: dict[str, Any] = {name: each.default for name, each in Settings.__dataclass_fields__.items()}
    leases.configure(defaults["provider_connect_seconds"], defaults["provider_read_seconds"])
    assert timedelta(seconds=59) < leases.end() - clock.now() <= timedelta(seconds=60)
