"""A database that is older or newer than the code."""

from collections.abc import Iterator

import psycopg
import pytest
from alembic.util import CommandError

from chassis import migrate
from chassis.config import MisconfiguredError
from chassis.testing import scratch_database
from chassis.tests.notes.main import SERVICE


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with scratch_database(postgres_url, "migrate") as url:
        migrate.upgrade(SERVICE, url)
        yield url


def versions(url: str) -> list[str]:
    with psycopg.connect(url) as db:
        return [name for (name,) in db.execute("SELECT version_num FROM alembic_version")]


def pretend(url: str, version: str) -> None:
    with psycopg.connect(url) as db:
        db.execute("UPDATE alembic_version SET version_num = %s", (version,))


def test_a_database_that_is_there_stays_as_it_is(url: str) -> None:
    migrate.upgrade(SERVICE, url)
    assert versions(url) == migrate.heads(SERVICE)


def test_a_version_that_is_gone_back_to_starts_on_the_newer_database(url: str) -> None:
    pretend(url, "0002")
    migrate.upgrade(SERVICE, url)
    assert versions(url) == ["0002"]


def test_a_history_that_is_not_ours_stops_the_start(url: str) -> None:
    pretend(url, "0000")
    with pytest.raises(CommandError, match="0000"):
        migrate.upgrade(SERVICE, url)


def test_without_a_database_the_command_says_which_name_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr("sys.argv", ["migrate", "chassis.tests.notes"])
    with pytest.raises(MisconfiguredError, match="DATABASE_URL is missing"):
        migrate.main()
