"""The HTTP sessions to providers: pooled, with time-outs, deaf to the environment.

Neither SDK does that by itself: stripe waits 80 seconds and opens a session per thread, paypalrestsdk waits for ever and opens
a connection per call.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import requests
from prometheus_client import Histogram
from requests.adapters import HTTPAdapter

from chassis.metrics import BUCKETS

POOL = 32
REFUSED_KEY = "refused-key"  # an outcome: the provider does not take the platform's own credentials
provider_seconds = Histogram(
    "provider_call_seconds", "Time of one call to a provider", ["provider", "operation", "outcome"], buckets=BUCKETS
)


@dataclass(frozen=True)
class Timeouts:
    """How long one try may take, in seconds."""

    connect: float
    read: float


@cache
def shared(proxy: str = "") -> requests.Session:
    """The session of this process, for any number of threads. It never retries: what may be repeated decides who calls."""
    made = requests.Session()
    made.trust_env = False  # proxies and credentials come from our settings, not from .netrc
    if proxy:
        made.proxies = {"http": proxy, "https": proxy}
    adapter: Any = HTTPAdapter(pool_connections=4, pool_maxsize=POOL, max_retries=0)
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made
