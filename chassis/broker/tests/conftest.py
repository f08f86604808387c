"""Fixtures for tests of messaging."""

import os
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from chassis import db, messages
from chassis.broker.tests import hearing
from chassis.broker.tests.post import CATALOGUE, Post
from chassis.testing import scratch_database

RABBITMQ = "amqp://guest:guest@127.0.0.1:5672/"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that ask for `broker_url` run once per broker; RabbitMQ where there is one, or where one was asked for."""
    if "broker_url" in metafunc.fixturenames and "broker_url" not in vars(metafunc.module):
        brokers = ["embedded"]
        if "TEST_BROKER_URL" in os.environ or _is_there(RABBITMQ):
            brokers.append("rabbitmq")
        metafunc.parametrize("broker_url", brokers, indirect=True, scope="session")


@pytest.fixture(scope="session")
def broker_database_url(postgres_url: str) -> Iterator[str]:
    with scratch_database(postgres_url, "broker") as url:
        yield url


@pytest.fixture(scope="session")
def broker_url(request: pytest.FixtureRequest) -> str:
    if request.param == "rabbitmq":
        return os.environ.get("TEST_BROKER_URL") or RABBITMQ
    return str(request.getfixturevalue("broker_database_url"))


@pytest.fixture
def post(broker_url: str) -> Iterator[Post]:
    post = Post(broker_url)
    yield post
    post.end()


@pytest.fixture(scope="session")
def messaging_database_url(postgres_url: str) -> Iterator[str]:
    with scratch_database(postgres_url, "messaging") as url:
        yield url


@pytest.fixture
def service_database(messaging_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The database of a service that hears letters, and the catalogue that says so."""
    monkeypatch.setattr(messages, "catalogue", lambda: CATALOGUE)
    hearing.prepare(messaging_database_url)
    yield messaging_database_url
    with db.engine().begin() as connection:
        connection.exec_driver_sql("TRUNCATE outbox, inbox, effect")
    db.engine().dispose()


def _is_there(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=1).close()
    except OSError:
        return False
    return True
