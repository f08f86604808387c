"""From the outbox to a hearer, through both brokers."""

import threading
from collections.abc import Sequence

import pytest
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value, StringValue

from chassis import context, db
from chassis.broker import NotPublishedError
from chassis.broker.tests.post import Post, Reader, eventually, text_of
from chassis.broker.tests.proxy import Proxy
from chassis.messages import Envelope, UndeclaredMessageError
from chassis.outbox import INSERT, Relay, publish, row_of


def test_two_relays_publish_every_row_once_and_delete_it(post: Post, service_database: str) -> None:
    reader = Reader()
    post.consume(post.broker(), reader)
    run_relay(post)
    run_relay(post)
    for start in range(0, 300, 10):
        say(*(f"{number:03}" for number in range(start, start + 10)))
    eventually(lambda: len(reader.got) >= 300)
    assert sorted(reader.texts) == [f"{number:03}" for number in range(300)]
    eventually(lambda: waiting() == [])


def test_a_commit_wakes_the_relay_of_its_process(
    post: Post, service_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.outbox.QUICK_SECONDS", 30)
    monkeypatch.setattr("chassis.outbox.IDLE_SECONDS", 30)
    reader = Reader()
    post.consume(post.broker(), reader)
    stop = run_relay(post)
    say("one")
    eventually(lambda: reader.texts == ["one"])
    say("two")
    eventually(lambda: reader.texts == ["one", "two"])
    stop.set()
    say("look at `stop`")


def test_what_other_processes_say_is_found_without_being_woken(post: Post, service_database: str) -> None:
    reader = Reader()
    post.consume(post.broker(), reader)
    run_relay(post)
    say("woken")
    eventually(lambda: reader.texts == ["woken"])
    with db.transaction() as session:  # as another process would: nobody here is told
        row = row_of(StringValue(value="found"), key="key")
        db.execute(session, INSERT, row)
    eventually(lambda: reader.texts == ["woken", "found"])
    eventually(lambda: waiting() == [])


def test_a_crash_between_confirm_and_delete_repeats_and_loses_nothing(post: Post, service_database: str) -> None:
    class Dying:
        def publish(self, envelopes: Sequence[Envelope]) -> None:
            post.broker().publish(envelopes)
            raise KeyboardInterrupt

    say("twice")
    with pytest.raises(KeyboardInterrupt):
        Relay(Dying()).relay_once()  # type: ignore[arg-type]
    assert waiting() == ["twice"]
    assert Relay(post.broker()).relay_once() == 1
    assert waiting() == []
    reader = Reader()
    post.consume(post.broker(), reader)
    eventually(lambda: reader.texts == ["twice", "twice"])
    assert reader.got[0].message_id == reader.got[1].message_id


def test_what_cannot_be_published_stays_and_holds_nobody_up(service_database: str) -> None:
    class Choosy:
        def publish(self, envelopes: Sequence[Envelope]) -> None:
            refused = {each.message_id for each in envelopes if text_of(each) == "homeless"}
            raise NotPublishedError(refused, "no queue")

    say("one", "homeless", "two")
    with pytest.raises(NotPublishedError):
        Relay(Choosy()).relay_once()  # type: ignore[arg-type]
    assert waiting() == ["homeless"]


def test_an_outage_of_the_broker_is_waited_for(post: Post, service_database: str) -> None:
    proxy, reader = post.proxy(), Reader()
    proxy.down()
    run_relay(post, proxy)
    say("kept")
    proxy.up()
    post.consume(post.broker(), reader)
    eventually(lambda: "kept" in reader.texts and waiting() == [])


def test_a_broadcast_goes_the_same_way(post: Post, service_database: str) -> None:
    heard = post.listen(post.broker())
    with db.transaction() as session:
        publish(session, Int64Value(value=7), key="k")
    Relay(post.broker()).relay_once()
    eventually(lambda: [Int64Value.FromString(each.payload).value for each in heard] == [7])


def test_a_rollback_says_nothing(service_database: str) -> None:
    with db.transaction() as session:
        publish(session, StringValue(value="never"), key="k")
        session.rollback()
    assert waiting() == []


def test_a_savepoint_that_is_rolled_back_says_nothing(service_database: str) -> None:
    with db.transaction() as session:
        with session.begin_nested() as savepoint:
            publish(session, StringValue(value="never"), key="k")
            savepoint.rollback()
        publish(session, StringValue(value="said"), key="k")
    assert waiting() == ["said"]


def test_a_message_carries_the_request_that_caused_it(post: Post, service_database: str) -> None:
    tokens = context.request_id.set("request-7"), context.traceparent.set("00-ab-01")
    with db.transaction() as session:
        publish(session, StringValue(value="because"), key="order-9")
    context.request_id.reset(tokens[0])
    context.traceparent.reset(tokens[1])
    Relay(post.broker()).relay_once()
    reader = Reader()
    post.consume(post.broker(), reader)
    eventually(lambda: reader.got)
    [envelope] = reader.got
    assert (envelope.request_id, envelope.traceparent, envelope.key) == ("request-7", "00-ab-01", "order-9")


def test_an_undeclared_type_is_refused(service_database: str) -> None:
    with pytest.raises(UndeclaredMessageError), db.transaction() as session:
        publish(session, BytesValue(value=b"x"), key="k")


def run_relay(post: Post, proxy: Proxy | None = None) -> threading.Event:
    """A relay in a thread; the event stops it."""
    stop = threading.Event()
    relay = Relay(post.broker(proxy=proxy))
    post.run(lambda: relay.run(stop), stop)
    return stop


def say(*texts: str) -> None:
    """One transaction that publishes."""
    with db.transaction() as session:
        for text in texts:
            publish(session, StringValue(value=text), key="key")


def waiting() -> list[str]:
    """What the outbox holds."""
    with db.engine().connect() as connection:
        rows = connection.exec_driver_sql("SELECT payload FROM outbox ORDER BY id").scalars()
        return [StringValue.FromString(payload).value for payload in rows]
