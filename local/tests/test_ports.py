"""Ports for systems that start on a busy machine."""

import os
import socket
from collections import deque

import pytest

from local import ports


def test_a_port_is_none_that_outgoing_connections_get() -> None:
    """A journey's service could not start: between choosing and listening a connection of another test had its port."""
    assert {ports.free_port() < 32_768 for _ in range(200)} == {True}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> range:
    """Only these ports are there for this process."""
    some = range(20_000 + os.getpid() % 16, 20_320, 16)
    monkeypatch.setattr(ports, "_FIRST", 20_000)
    monkeypatch.setattr(ports, "_LAST", some.stop)
    monkeypatch.setattr(ports, "_drawn", deque())
    return some


def test_a_port_in_use_is_passed_over(few: range) -> None:
    with socket.socket() as used:
        used.bind(("127.0.0.1", few[0]))
        used.listen()
        assert few[0] not in {ports.free_port() for _ in few[:-5]}


def test_no_port_is_drawn_twice(few: range) -> None:
    """One run in thirty failed: two servers of one system had been given the same port, before either listened."""
    drawn = [ports.free_port() for _ in few[:-3]]
    assert len(set(drawn)) == len(drawn)


def test_two_processes_draw_different_ports(few: range, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = {ports.free_port() for _ in few[:-3]}
    another = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: another)
    assert not mine & {ports.free_port() for _ in few[:-3]}
