"""How long to wait before the next attempt, so that a broker that comes back is not run over by everybody at once."""

import random


class Backoff:
    """Growing pauses with jitter: each is twice the one before, up to the longest, shortened by up to a half."""

    def __init__(self, first_seconds: float, longest_seconds: float) -> None:
        self._first = first_seconds
        self._longest = longest_seconds
        self._attempts = 0

    def next(self) -> float:
        """Seconds to wait now."""
        whole = min(self._longest, self._first * 2.0**self._attempts)
        self._attempts = min(self._attempts + 1, 30)
        return whole * random.uniform(0.5, 1)  # noqa: S311 (spreads the crowd, guards nothing)

    def reset(self) -> None:
        """It worked: begin with the short pause next time."""
        self._attempts = 0
