"""SIGTERM, as an operator's tools send it: a process ends what it is doing, then itself."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from chassis.testing import SECRET
from local.ports import free_port

ROOT = Path(__file__).parents[2]
MAIN = """
from dataclasses import replace

from chassis.tests.notes.main import SERVICE as NOTES
from slow import work

SERVICE = replace(NOTES, jobs=[work], stop=work.say_goodbye)
"""
WORK = """
import os
import time
from pathlib import Path

from chassis.jobs import job

FOLDER = Path(os.environ["FOLDER"])


@job(every_seconds=60)
def take_long() -> None:
    (FOLDER / "begun").touch()
    while not (FOLDER / "stopping").exists():
        time.sleep(0.05)
    time.sleep(0.5)
    (FOLDER / "ended").touch()


def say_goodbye() -> None:
    (FOLDER / "goodbye").touch()
"""


@pytest.fixture
def process(tmp_path: Path, database_url: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    package = tmp_path / "slow"
    package.mkdir()
    for name, source in {"__init__": "", "main": MAIN, "work": WORK}.items():
        (package / f"{name}.py").write_text(source)
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
        "FOLDER": str(tmp_path),
        "DATABASE_URL": database_url,
        "BROKER_URL": database_url,
        "SERVICE_SECRET": SECRET,
        "CALLER_SECRETS": "",
        "HTTP_ADDRESS": f"127.0.0.1:{port}",
        **{f"{name}_GRPC": "127.0.0.1:1" for name in ("ACCOUNTS", "EVENTS", "ORDERS", "PAYMENTS", "TICKETS")},
    }
    command = [sys.executable, "-m", "chassis.run", "slow", "--roles", "worker"]
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)
    yield running, f"http://127.0.0.1:{port}"
    running.kill()
    running.wait()


def until(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


def test_a_worker_ends_the_job_at_hand_before_it_ends(
    process: tuple[subprocess.Popen[bytes], str], tmp_path: Path
) -> None:
    running, url = process
    until(lambda: is_alive(url) and (tmp_path / "begun").exists())
    running.send_signal(signal.SIGTERM)
    (tmp_path / "stopping").touch()
    assert running.wait(30) == 0, (tmp_path / "log").read_text()
    assert (tmp_path / "ended").exists()
    assert (tmp_path / "goodbye").exists()
    assert '"event":"stopping"' in (tmp_path / "log").read_text()
