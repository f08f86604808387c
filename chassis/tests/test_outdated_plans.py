"""A migration changes a table under a service whose connections have prepared statements on it."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from chassis import db
from chassis.errors import Unavailable


def connections() -> int:
    """How many the process keeps at most."""
    pool = db.engine().pool
    assert isinstance(pool, QueuePool)
    return pool.size()


@pytest.fixture
def grow(app: Any, settings: Any) -> Iterator[Callable[[], None]]:
    """Gives a table another column, as a migration does under a service that runs, after everybody has prepared statements."""
    read = "SELECT * FROM growing"
    with psycopg.connect(settings.database_url, autocommit=True) as migration:
        migration.execute("CREATE TABLE growing (a int)")
        migration.execute("INSERT INTO growing VALUES (1)")
        for _ in range(8 * connections()):
            assert db.look(read, ()) == [(1,)]
            db.run(lambda session: db.execute(session, read))
            db.run(lambda session: session.execute(text(read)).all())

        def add_column() -> None:
            migration.execute("ALTER TABLE growing ADD COLUMN b int")

        yield add_column
        migration.execute("DROP TABLE growing")


def test_who_prepared_statements_before_a_migration_goes_on(grow: Callable[[], None]) -> None:
    """Otherwise every connection would fail with "cached plan must not change result type", those of a look for half an hour."""
    grow()
    assert db.run(lambda session: [tuple(row) for row in session.execute(text("SELECT * FROM growing"))]) == [(1, None)]


def test_a_look_after_a_migration_goes_on(grow: Callable[[], None]) -> None:
    grow()
    assert db.look("SELECT * FROM growing", ()) == [(1, None)]


def test_the_driver_alone_goes_on_after_a_migration(grow: Callable[[], None]) -> None:
    grow()
    assert db.run(lambda session: [tuple(row) for row in db.execute(session, "SELECT * FROM growing")]) == [(1, None)]


def test_a_transaction_that_nobody_repeats_is_to_be_tried_again_after_a_migration(grow: Callable[[], None]) -> None:
    grow()
    with pytest.raises(Unavailable), db.transaction() as session:
        session.execute(text("SELECT * FROM growing"))
    for _ in range(connections() + 1):
        with db.transaction() as session:
            assert session.execute(text("SELECT * FROM growing")).all() == [(1, None)]


def test_a_connection_without_a_transaction_fails_once_after_a_migration(grow: Callable[[], None]) -> None:
    grow()
    failures = 0
    for _ in range(connections() + 1):
        try:
            with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                assert [tuple(row) for row in db.execute(connection, "SELECT * FROM growing")] == [(1, None)]
        except DBAPIError:
            failures += 1
    assert failures == 1
