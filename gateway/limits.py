"""How many requests a caller may make: a token bucket per caller and class, in this process.

Several gateways each keep their own count, so the limits are per gateway. They protect the system; the limits that protect
an account (logins, resets) are kept by accounts in its database.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Mapping

from chassis.errors import TooManyRequests

MAX_BUCKETS = 50_000


class RateLimit:
    """`per_minute` requests a minute, all of them at once if need be."""

    def __init__(self, per_minute: Mapping[str, int]) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, rate: str, caller: str) -> None:
        """Counts one request. Raises TooManyRequests (429) that says when the next one may come."""
        capacity = self._per_minute.get(rate, self._per_minute["default"])
        now = time.monotonic()
        tokens, since = self._buckets.pop((rate, caller), (float(capacity), now))
        tokens = min(capacity, tokens + (now - since) * capacity / 60)
        if tokens < 1:
            self._buckets[rate, caller] = (tokens, now)
            wait = math.ceil((1 - tokens) * 60 / capacity)
            raise TooManyRequests(
                f"At most {capacity} requests a minute. Please wait {wait} seconds.", retry_after_seconds=wait
            )
        self._buckets[rate, caller] = (tokens - 1, now)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
