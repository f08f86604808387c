"""kill -9 between any two steps of a renderer: another one goes on at once, and the end is the same."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from chassis.testing import SECRET
from proto.tickets.tickets_pb2 import TicketsIssued
from services.tickets import stored
from services.tickets.tests.arranged import Published, draw_all, mails, order_row, pay, ticket
from services.tickets.tests.conftest import ENVIRONMENT


@pytest.mark.parametrize("moment", ["drawing", "storing", "before the commit", "after the commit"])
def test_a_killed_renderer_is_followed_by_another(
    app: Any, database_url: str, published: Published, moment: str
) -> None:
    pay()
    own = {"DATABASE_URL": database_url, "BROKER_URL": database_url, "SERVICE_SECRET": SECRET, **ENVIRONMENT}
    command = [sys.executable, "-m", "services.tickets.tests.killed_renderer", moment]
    done = subprocess.run(command, env={**os.environ, **own}, timeout=60, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    deadline = time.monotonic() + 5  # PostgreSQL notices in a moment that its client has gone, and frees the lock
    while len(mails()) < 3 and time.monotonic() < deadline:
        draw_all()
    assert len(mails()) == 3
    assert len(published(TicketsIssued)) == 1
    for key in (ticket(101).pdf_key, ticket(102).pdf_key, order_row().pdf_key):
        assert stored.storage().get(key).startswith(b"%PDF")
