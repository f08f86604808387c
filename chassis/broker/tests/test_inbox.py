"""Once per message and handler, in one commit with the effect; and what failures mean."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value, StringValue
from sqlalchemy import text
from sqlalchemy.orm import Session

from chassis import clock, context, db
from chassis.broker import Outcome, Verdict
from chassis.broker.tests import hearing
from chassis.broker.tests.post import CATALOGUE, letter, offer, shout
from chassis.errors import Conflict, Unavailable
from chassis.inbox import Dispatcher, Ears, Handler, consumes, forget_old, hears

DONE = Outcome(Verdict.DONE)


@pytest.fixture(autouse=True)
def _database(service_database: str) -> None:
    pass


def readers(*handlers: Handler) -> Dispatcher:
    """The dispatcher of the service that hears letters."""
    return Dispatcher("readers", handlers or [hearing.note], CATALOGUE)


def failing(error: Callable[[], Exception], on: str = "bad") -> Handler:
    """Notes what it is given, and then fails on one text."""

    @consumes(StringValue)
    def handler(session: Session, message: StringValue) -> None:
        hearing.note(session, message)
        if message.value == on:
            raise error()

    return handler


def test_a_batch_has_its_effects() -> None:
    assert readers()([letter("a"), letter("b")]) == [DONE, DONE]
    assert hearing.noted() == ["a", "b"]


def test_a_repeat_has_no_effect_in_the_same_batch_or_later() -> None:
    one, other = letter("a"), letter("b")
    assert readers()([one, one, other]) == [DONE] * 3
    assert readers()([other]) == [DONE]
    assert readers()([one, other]) == [DONE] * 2
    assert hearing.noted() == ["a", "b"]


def test_every_handler_of_a_type_runs_once() -> None:
    @consumes(StringValue)
    def shouting(session: Session, message: StringValue) -> None:
        hearing.note(session, StringValue(value=message.value.upper()))

    one = letter("a")
    assert readers()([one]) == [DONE]
    assert readers(hearing.note, shouting)([one]) == [DONE]
    assert hearing.noted() == ["A", "a"]


def test_a_failure_leaves_no_effect_and_costs_the_others_nothing() -> None:
    good, bad, late = letter("good"), letter("bad"), letter("late")
    outcomes = readers(failing(lambda: ValueError("no luck")))([good, bad, late])
    assert outcomes == [DONE, Outcome(Verdict.RETRY, "ValueError: no luck"), DONE]
    assert hearing.noted() == ["good", "late"]
    assert readers()([bad]) == [DONE]
    assert hearing.noted() == ["bad", "good", "late"]


def test_a_refusal_is_dead_at_once() -> None:
    [outcome] = readers(failing(lambda: Conflict("No seats.", code="sold-out")))([letter("bad")])
    assert outcome == Outcome(Verdict.DEAD, "sold-out: No seats.")


def test_something_that_is_down_pauses_only_whom_it_concerns() -> None:
    outcomes = readers(failing(lambda: Unavailable("Events does not answer.")))([letter("bad"), letter("good")])
    assert [outcome.verdict for outcome in outcomes] == [Verdict.PAUSE, Verdict.DONE]


def test_a_database_that_is_down_pauses_everything() -> None:
    tried: list[str] = []

    @consumes(StringValue)
    def handler(session: Session, message: StringValue) -> None:
        tried.append(message.value)
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    outcomes = readers(handler)([letter(each) for each in "abc"])
    assert [outcome.verdict for outcome in outcomes] == [Verdict.PAUSE] * 3
    assert tried == ["a", "a"]  # as part of the batch, then alone; b and c were spared


def test_a_statement_that_is_too_slow_counts_as_a_failure() -> None:
    @consumes(StringValue)
    def handler(session: Session, _: StringValue) -> None:
        session.execute(text("SET LOCAL statement_timeout = 10"))
        session.execute(text("SELECT pg_sleep(1)"))

    [outcome] = readers(handler)([letter("slow")])
    assert outcome.verdict is Verdict.RETRY


def test_an_unreadable_message_is_dead() -> None:
    [outcome] = readers()([replace(letter("x"), payload=b"\xff\xff")])
    assert outcome.verdict is Verdict.DEAD


def test_what_an_older_program_heard_is_let_go() -> None:
    assert readers()([offer(), letter("a")]) == [DONE, DONE]
    assert hearing.noted() == ["a"]


def test_a_type_of_a_newer_program_is_retried_and_holds_nobody_up() -> None:
    outcomes = readers()([replace(letter("x"), type="stagedoor.Newer"), letter("a")])
    assert [outcome.verdict for outcome in outcomes] == [Verdict.RETRY, Verdict.DONE]


def test_a_handler_knows_message_and_request() -> None:
    seen: list[tuple[str, str, str]] = []

    @consumes(StringValue)
    def handler(_: Session, __: StringValue) -> None:
        seen.append((context.message_id.get(), context.request_id.get(), context.traceparent.get()))

    one, other = letter("a"), replace(letter("b"), request_id="request-2")
    readers(handler)([one, other])
    assert seen == [
        (str(one.message_id), "request-1", "00-trace-01"),
        (str(other.message_id), "request-2", "00-trace-01"),
    ]
    assert context.message_id.get() == ""


def test_a_service_that_does_not_handle_all_it_hears_does_not_start() -> None:
    with pytest.raises(LookupError, match=r"readers hears google\.protobuf\.StringValue"):
        Dispatcher("readers", [], CATALOGUE)


def test_a_service_that_handles_what_it_does_not_hear_does_not_start() -> None:
    @consumes(BytesValue)
    def handler(_: Session, __: BytesValue) -> None: ...

    with pytest.raises(LookupError, match=r"google\.protobuf\.BytesValue"):
        Dispatcher("readers", [hearing.note, handler], CATALOGUE)


def test_old_rows_are_forgotten_and_young_ones_are_not() -> None:
    young = letter("young")
    with clock.freeze(clock.now() - timedelta(days=20)):
        old = replace(letter("old"), message_id=_born_days_ago(20))
        readers()([old])
    readers()([young])
    with db.transaction() as session:
        assert forget_old(session, 10) == 1
    readers()([old, young])
    assert hearing.noted() == ["old", "old", "young"]


def test_ears_call_everybody_also_when_one_fails() -> None:
    heard: list[int] = []

    @hears(Int64Value)
    def deaf(_: Int64Value) -> None:
        raise ValueError

    @hears(Int64Value)
    def hear(message: Int64Value) -> None:
        heard.append(message.value)

    Ears([deaf, hear], CATALOGUE)(shout(7))
    assert heard == [7]


def test_ears_for_what_is_not_broadcast_are_refused() -> None:
    @hears(StringValue)
    def hear(_: StringValue) -> None: ...

    with pytest.raises(LookupError, match="not broadcast"):
        Ears([hear], CATALOGUE)


def _born_days_ago(days: int) -> UUID:
    return UUID(int=letter("x").message_id.int - (days * 86_400_000 << 80))
