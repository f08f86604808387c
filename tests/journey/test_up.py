"""`make up` as a person uses it: start, look, Ctrl-C, start again, find everything there."""

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.api import Api


def start(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "local.up", "--any-ports", "--folder", str(folder)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def read_until(process: "subprocess.Popen[str]", sentence: str) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if sentence in line:
            return said
    raise AssertionError(f"it ended without saying {sentence!r}:\n{said}")


def found(said: str, pattern: str) -> str:
    match = re.search(pattern, said)
    assert match, said
    return match.group(1)


@pytest.mark.timeout(300)
def test_a_closed_terminal_or_ctrl_c_loses_nothing_and_the_next_start_finds_the_data(tmp_path: Path) -> None:
    identifiers = []
    for attempt, ending in enumerate((signal.SIGHUP, signal.SIGINT)):
        process = start(tmp_path / "var")
        try:
            said = read_until(process, "Ctrl-C stops everything")
            url = found(said, r"API\s+(http://127\.0\.0\.1:\d+)/v1/events")
            identifiers.append(found(said, r"Demo event\s+\S+/v1/events/([0-9a-f]{8})"))
            buyer = Api(url).log_in("buyer@example.com", found(said, r"buyer@example\.com\s+(\S+)"))
            orders = buyer.get(f"/v1/users/{buyer.user_id}/orders")["meta"]["count"]
            assert orders == attempt
            event = buyer.get(f"/v1/events/{identifiers[-1]}")["data"]
            ticket = buyer.get(f"/v1/events/{event['id']}/tickets")["data"][0]
            cart = {"tickets": [{"id": ticket["id"], "quantity": 1}]}
            buyer.call("POST", "/v1/orders/create-order", json=cart)
        finally:
            if ending == signal.SIGHUP and process.stdout is not None:
                process.stdout.close()  # as the terminal is by then
            process.send_signal(ending)
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
        assert process.returncode == 0
    assert identifiers[0] == identifiers[1]


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        command = [sys.executable, "-m", "local.up", "--port", str(port), "--folder", str(tmp_path / "var")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"{port} (the gateway)" in done.stderr
    assert "--any-ports" in done.stderr
    assert not (tmp_path / "var" / "postgres" / "data").exists()
