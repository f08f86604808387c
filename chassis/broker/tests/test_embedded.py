"""What only the embedded broker can get wrong."""

import threading

import psycopg
import pytest

from chassis.broker import connect
from chassis.broker.tests.post import CATALOGUE, Post, Reader, eventually, letter


@pytest.fixture
def broker_url(broker_database_url: str) -> str:
    """These tests are about one broker."""
    return broker_database_url


def test_all_backends_are_terminated_and_nothing_is_lost(post: Post) -> None:
    broker, reader = post.broker(), Reader()
    post.consume(broker, reader)
    heard = post.listen(post.broker())
    broker.publish([letter("before")])
    eventually(lambda: reader.texts == ["before"])
    _terminate_all(post)
    post.broker().publish([letter("after")])
    eventually(lambda: set(reader.texts) == {"before", "after"})
    assert heard == []


def test_many_processes_may_create_the_schema_at_once(post: Post) -> None:
    failures: list[Exception] = []

    def declare() -> None:
        try:
            post.broker().declare()
        except Exception as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=declare) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_prefix_that_is_no_name_is_refused() -> None:
    with pytest.raises(ValueError, match="prefix"):
        connect("postgresql://localhost/broker", catalogue=CATALOGUE, prefix='x"; --')


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="kafka"):
        connect("kafka://localhost", catalogue=CATALOGUE)


def _terminate_all(post: Post) -> None:
    with psycopg.connect(post.url, autocommit=True) as connection:
        connection.execute("""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
        """)
