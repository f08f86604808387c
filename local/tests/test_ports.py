"""Ports for systems that start on a busy machine."""

import socket

import pytest

from local import ports


def test_a_port_is_none_that_outgoing_connections_get() -> None:
    """A journey's service could not start: between choosing and listening a connection of another test had its port."""
    assert {ports.free_port() < 32_768 for _ in range(200)} == {True}


def test_a_port_in_use_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = ports.free_port()
    monkeypatch.setattr(ports, "_FIRST", taken)
    monkeypatch.setattr(ports, "_LAST", taken + 20)
    with socket.socket() as used:
        used.bind(("127.0.0.1", taken))
        used.listen()
        assert taken not in {ports.free_port() for _ in range(200)}
