"""The only place that asks the time, so that tests can decide what it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_frozen: datetime | None = None


def now() -> datetime:
    """The current time, aware, in UTC."""
    return _frozen or datetime.now(UTC)


@contextmanager
def freeze(moment: datetime) -> Iterator[None]:
    """Within the block, `now()` answers `moment` in this process."""
    global _frozen
    before, _frozen = _frozen, moment
    try:
        yield
    finally:
        _frozen = before
