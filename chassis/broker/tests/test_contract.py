"""What every broker promises; the same tests for RabbitMQ and the embedded queue."""

import subprocess
import sys
import time
from collections.abc import Sequence

import pika
import pytest

from chassis.broker import Broker, BrokerDownError, NotPublishedError, Outcome, Timing, Verdict
from chassis.broker.rabbitmq.topology import Topology
from chassis.broker.tests import hearing
from chassis.broker.tests.post import (
    CATALOGUE,
    DONE,
    HASTE,
    OFFER,
    PAUSE,
    RETRY,
    Post,
    Reader,
    eventually,
    letter,
    offer,
    shout,
    text_of,
)  # fmt: skip
from chassis.inbox import Dispatcher
from chassis.messages import Envelope


def test_a_message_waits_for_a_consumer_that_never_ran_before(post: Post) -> None:
    post.broker().publish([letter("early")])
    reader = Reader()
    post.consume(post.broker(), reader)
    eventually(lambda: reader.texts == ["early"])


def test_every_service_that_hears_it_gets_its_own(post: Post) -> None:
    readers, archive = Reader(), Reader()
    post.consume(post.broker(), readers, "readers")
    post.consume(post.broker(), archive, "archive")
    post.broker().publish([letter(f"{number:03}") for number in range(120)])
    eventually(lambda: len(readers.got) == len(archive.got) == 120)
    assert sorted(readers.texts) == sorted(archive.texts) == [f"{number:03}" for number in range(120)]


def test_an_envelope_arrives_as_it_was_sent(post: Post) -> None:
    sent = letter("Grüße, 你好")
    post.broker().publish([sent])
    reader = Reader()
    post.consume(post.broker(), reader)
    eventually(lambda: reader.got)
    assert reader.got == [sent]


def test_a_fact_for_outsiders_needs_nobody_and_reaches_who_has_bound_a_queue(post: Post) -> None:
    broker = post.broker()
    broker.publish([offer(), letter("beside it")])
    if post.is_rabbitmq:
        with pika.BlockingConnection(pika.URLParameters(post.url)) as connection:
            channel = connection.channel()
            queue = channel.queue_declare("", exclusive=True).method.queue
            exchange = Topology(CATALOGUE, post.prefix, HASTE.retry_delays_seconds).messages
            channel.queue_bind(queue, exchange, routing_key=OFFER)
            broker.publish([offer()])
            eventually(lambda: channel.basic_get(queue, auto_ack=True)[0] is not None)
    reader = Reader()
    post.consume(broker, reader)
    eventually(lambda: reader.texts == ["beside it"])


def test_a_batch_is_never_larger_than_asked(post: Post) -> None:
    sizes: list[int] = []

    def handle(batch: Sequence[Envelope]) -> list[Outcome]:
        sizes.append(len(batch))
        return [DONE] * len(batch)

    post.broker().publish([letter(str(number)) for number in range(60)])
    post.consume(post.broker(), handle, prefetch=7)
    eventually(lambda: sum(sizes) == 60)
    assert max(sizes) <= 7


def test_two_consumers_share_the_work(post: Post) -> None:
    one, other = Reader(), Reader()
    post.consume(post.broker(), one, prefetch=5)
    post.consume(post.broker(), other, prefetch=5)
    post.broker().publish([letter(f"{number:03}") for number in range(200)])
    eventually(lambda: len(one.got) + len(other.got) == 200)
    assert sorted(one.texts + other.texts) == [f"{number:03}" for number in range(200)]


def test_a_killed_consumer_leaves_each_message_exactly_one_effect(post: Post, service_database: str) -> None:
    broker = post.broker()
    broker.publish([letter(f"{number:02}") for number in range(60)])
    arguments = [sys.executable, "-m", "chassis.broker.tests.hanging", service_database, post.url, post.prefix, "20"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as consumer:
        assert consumer.stdout is not None
        held = int(consumer.stdout.readline())
        consumer.kill()
    assert len(hearing.noted()) == min(20, held) > 0
    post.consume(broker, Dispatcher("readers", [hearing.note], CATALOGUE))
    eventually(lambda: all(depth.messages == 0 for depth in broker.depths() if depth.queue == "readers"))
    eventually(lambda: len(hearing.noted()) >= 60)
    assert hearing.noted() == [f"{number:02}" for number in range(60)]


def test_25_failures_in_a_row_lose_nothing(post: Post) -> None:
    reader = Reader(lambda envelope: DONE if envelope.failures == 25 else RETRY)
    post.consume(post.broker(), reader)
    post.broker().publish([letter("stubborn")])
    eventually(lambda: len(reader.got) == 26)
    assert [envelope.failures for envelope in reader.got] == list(range(26))
    assert post.broker().dead_letters("readers") == []


def test_a_failure_comes_back_after_its_delay_and_holds_nobody_up(post: Post) -> None:
    reader = Reader(lambda envelope: RETRY if text_of(envelope) == "first" and not envelope.failures else DONE)
    post.consume(post.broker(Timing(retry_delays_seconds=(0.6,))), reader)
    post.broker(Timing(retry_delays_seconds=(0.6,))).publish([letter("first"), letter("second")])
    eventually(lambda: len(reader.got) == 3)
    assert reader.texts == ["first", "second", "first"]
    assert 0.55 <= reader.moments[2] - reader.moments[0] < 3


def test_a_failure_is_retried_for_that_service_only(post: Post) -> None:
    readers, archive = Reader(lambda envelope: DONE if envelope.failures else RETRY), Reader()
    post.consume(post.broker(), readers, "readers")
    post.consume(post.broker(), archive, "archive")
    post.broker().publish([letter("once more")])
    eventually(lambda: len(readers.got) == 2)
    assert archive.texts == ["once more"]


def test_an_exception_counts_as_a_failure(post: Post) -> None:
    reader = Reader(lambda envelope: DONE if envelope.failures else Outcome(Verdict(1 / 0)))
    post.consume(post.broker(), reader)
    post.broker().publish([letter("oops")])
    eventually(lambda: [envelope.failures for envelope in reader.got] == [0, 1])


def test_retries_end_among_the_dead_letters(post: Post) -> None:
    timing = Timing(retry_delays_seconds=(0.05, 0.05))
    reader, broker = Reader(lambda envelope: RETRY), post.broker(timing)
    post.consume(broker, reader)
    broker.publish([letter("hopeless")])
    eventually(lambda: broker.dead_letters("readers"))
    assert reader.texts == ["hopeless"] * 3
    [dead] = broker.dead_letters("readers")
    assert (text_of(dead.envelope), dead.reason, dead.envelope.failures) == ("hopeless", "not yet", 3)


def test_dead_letters_are_requeued_as_new_or_purged(post: Post) -> None:
    refusals = {"a", "b", "c"}
    reader = Reader(lambda envelope: Outcome(Verdict.DEAD, "no") if text_of(envelope) in refusals else DONE)
    broker = post.broker()
    post.consume(broker, reader)
    broker.publish([letter("a"), letter("b"), letter("c"), letter("d")])
    eventually(lambda: len(broker.dead_letters("readers")) == 3)
    by_text = {text_of(dead.envelope): dead.envelope.message_id for dead in broker.dead_letters("readers")}

    refusals.clear()
    assert broker.requeue("readers", [by_text["b"]]) == 1
    eventually(lambda: len(reader.got) == 5)
    assert (reader.got[4].message_id, reader.got[4].failures) == (by_text["b"], 0)
    assert broker.purge("readers", [by_text["a"]]) == 1
    assert [text_of(dead.envelope) for dead in broker.dead_letters("readers")] == ["c"]
    assert broker.requeue("readers") == 1
    eventually(lambda: len(reader.got) == 6)
    assert broker.purge("readers") == 0
    assert broker.dead_letters("archive") == []


def test_a_pause_is_no_failure_and_ends(post: Post) -> None:
    answers = [PAUSE] * 4
    reader = Reader(lambda envelope: answers.pop() if answers else DONE)
    post.consume(post.broker(), reader)
    post.broker().publish([letter("patient")])
    eventually(lambda: len(reader.got) == 5)
    assert {envelope.failures for envelope in reader.got} == {0}


def test_a_batch_may_have_all_four_verdicts(post: Post) -> None:
    first = {"done": DONE, "retry": RETRY, "dead": Outcome(Verdict.DEAD, "no"), "pause": PAUSE}
    seen: set[str] = set()

    def answer(envelope: Envelope) -> Outcome:
        text = text_of(envelope)
        outcome = DONE if text in seen else first[text]
        seen.add(text)
        return outcome

    reader, broker = Reader(answer), post.broker()
    broker.publish([letter(text) for text in first])
    post.consume(broker, reader)
    eventually(lambda: len(reader.got) == 6)
    assert sorted(reader.texts) == ["dead", "done", "pause", "pause", "retry", "retry"]
    eventually(lambda: {depth.queue: depth.messages for depth in broker.depths()}["readers"] == 0)
    assert [text_of(dead.envelope) for dead in broker.dead_letters("readers")] == ["dead"]


def test_what_a_stopped_consumer_did_not_answer_stays(post: Post) -> None:
    broker = post.broker()
    broker.publish([letter(str(number)) for number in range(10)])
    paused = Reader(lambda envelope: PAUSE)
    stop = post.consume(broker, paused)
    eventually(lambda: paused.got)
    post.halt(stop)
    reader = Reader()
    post.consume(broker, reader)
    eventually(lambda: len(set(reader.texts)) == 10)
    assert {envelope.failures for envelope in reader.got} == {0}


def test_duplicates_and_another_order_have_one_effect_each(post: Post, service_database: str) -> None:
    letters = [letter(f"{number:02}") for number in range(10)]
    broker = post.broker()
    broker.publish([*reversed(letters), *letters])
    broker.publish(letters[3:7])
    post.consume(broker, Dispatcher("readers", [hearing.note], CATALOGUE), prefetch=8)
    eventually(lambda: {depth.queue: depth.messages for depth in broker.depths()}["readers"] == 0)
    eventually(lambda: len(hearing.noted()) >= 10)
    time.sleep(0.2)
    assert hearing.noted() == [f"{number:02}" for number in range(10)]


def test_lost_connections_lose_no_message(post: Post, service_database: str) -> None:
    proxy = post.proxy()
    consumer, publisher = post.broker(proxy=proxy), post.broker(proxy=proxy)
    post.consume(consumer, Dispatcher("readers", [hearing.note], CATALOGUE))
    letters = [letter(f"{number:03}") for number in range(200)]
    for start in range(0, 200, 20):
        if start % 60 == 40:
            proxy.cut()
        _publish_until_confirmed(publisher, letters[start : start + 20])
    eventually(lambda: len(hearing.noted()) >= 200)
    assert hearing.noted() == [f"{number:03}" for number in range(200)]


def test_an_outage_refuses_to_publish_and_is_survived(post: Post) -> None:
    proxy = post.proxy()
    broker, reader = post.broker(proxy=proxy), Reader()
    post.consume(broker, reader)
    broker.publish([letter("before")])
    eventually(lambda: reader.texts == ["before"])

    proxy.down()
    kept = [letter("during"), letter("too")]
    with pytest.raises(NotPublishedError) as refusal:
        broker.publish(kept)
    assert refusal.value.message_ids == {envelope.message_id for envelope in kept}
    with pytest.raises(BrokerDownError):
        broker.depths()

    proxy.up()
    _publish_until_confirmed(broker, kept)
    eventually(lambda: set(reader.texts) == {"before", "during", "too"})


def test_a_broadcast_reaches_every_process_that_listens(post: Post) -> None:
    one, other = post.listen(post.broker()), post.listen(post.broker())
    sent = shout(1)
    post.broker().publish([sent, letter("not for everybody")])
    eventually(lambda: one and other)
    late = post.listen(post.broker())
    post.broker().publish([shout(2)])
    eventually(lambda: len(one) == len(other) == 2 and late)
    assert one[0] == other[0] == sent
    assert [envelope.payload for envelope in late] == [one[1].payload]


def test_a_broadcast_without_listeners_is_no_error(post: Post) -> None:
    post.broker().publish([shout(1)])


def test_a_listener_that_loses_its_connection_misses_no_broadcast(post: Post) -> None:
    proxy = post.proxy()
    heard = post.listen(post.broker(proxy=proxy))
    proxy.down()
    sent = [shout(number) for number in range(3)]
    post.broker().publish(sent)
    time.sleep(0.5)
    proxy.up()
    eventually(lambda: len(heard) >= 3)
    assert {envelope.message_id for envelope in heard} == {envelope.message_id for envelope in sent}


def test_a_message_without_a_queue_is_an_error_until_there_is_one(post: Post) -> None:
    broker = post.broker()
    broker.publish([letter("bound")])
    post.forget_bindings()
    homeless = letter("homeless")
    with pytest.raises(NotPublishedError) as refusal:
        broker.publish([homeless])
    assert refusal.value.message_ids == {homeless.message_id}
    broker.publish([homeless])  # the refusal declared the topology anew
    reader = Reader()
    post.consume(broker, reader)
    eventually(lambda: sorted(reader.texts) == ["bound", "homeless"])


def test_a_type_that_this_program_does_not_know_stays_with_the_publisher(post: Post) -> None:
    known = letter("known")
    unknown = Envelope(letter("x").message_id, "stagedoor.Newer", "k", "", "", known.occurred_at, b"")
    with pytest.raises(NotPublishedError) as refusal:
        post.broker().publish([unknown, known])
    assert refusal.value.message_ids == {unknown.message_id}
    reader = Reader()
    post.consume(post.broker(), reader)
    eventually(lambda: reader.texts == ["known"])


def test_depths_count_what_waits(post: Post) -> None:
    broker = post.broker()
    broker.publish([letter("one"), letter("two")])
    depths = {depth.queue: depth.messages for depth in broker.depths()}
    assert (depths["readers"], depths["readers.dead"], depths["archive"]) == (2, 0, 2)


def _publish_until_confirmed(broker: Broker, envelopes: Sequence[Envelope]) -> None:
    """As the relay does it."""
    deadline = time.monotonic() + 15
    while True:
        try:
            broker.publish(envelopes)
        except NotPublishedError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
