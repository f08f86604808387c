"""What an operator types."""

import sys
from uuid import uuid4

import pytest

from chassis.broker import Outcome, Verdict
from chassis.broker import __main__ as commands
from chassis.broker.tests.post import CATALOGUE, Post, Reader, eventually, letter


def test_dead_letters_are_listed_and_requeued(
    post: Post, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broker, sent = post.broker(), letter("refused")
    stop = post.consume(broker, Reader(lambda envelope: Outcome(Verdict.DEAD, "sold-out: No seats.")))
    broker.publish([sent])
    eventually(lambda: broker.dead_letters("readers"))
    post.halt(stop)

    def run(*arguments: str) -> str:
        monkeypatch.setenv("BROKER_URL", post.url)
        monkeypatch.setattr(commands, "catalogue", lambda: CATALOGUE)
        monkeypatch.setattr(commands, "connect", lambda url: post.broker())
        monkeypatch.setattr(sys, "argv", ["broker", *arguments])
        commands.main()
        return capsys.readouterr().out

    listed = run("dead", "readers")
    assert str(sent.message_id) in listed
    assert "sold-out: No seats." in listed
    assert run("requeue", "readers", "--id", str(uuid4())) == "0 messages wait again\n"
    assert run("requeue", "readers", "--id", str(sent.message_id)) == "1 messages wait again\n"
    assert "       1  readers" in run("depths")
    assert run("purge", "readers", "--all") == "0 messages forgotten\n"


def test_requeue_and_purge_want_to_know_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["broker", "purge", "orders"])
    with pytest.raises(SystemExit):
        commands.main()
