"""Whether the process in this container lives: its /healthz answers 200. For the container's health check."""

import os
import sys
import urllib.request

address = os.environ.get("METRICS_ADDRESS") or os.environ.get("HTTP_ADDRESS") or "127.0.0.1:8000"
port = address.rpartition(":")[2]
path = os.environ.get("HEALTH_PATH", "/healthz")
with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=3) as answer:  # noqa: S310 (a fixed local address)
    sys.exit(0 if answer.status == 200 else 1)
