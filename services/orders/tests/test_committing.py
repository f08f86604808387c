"""A statement and the commit in one round trip: alone, and as the last one of a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from chassis import db
from services.orders.queries.committing import Statement, array, execute_and_commit

ADD = "INSERT INTO invoice_counters (event_id, prefix, last) VALUES (%(event)s, 'T', 1)"
REFUSED = f"WITH added AS ({ADD} RETURNING 1) SELECT refuse('no') FROM added"  # noqa: S608 (our own)


@pytest.fixture(autouse=True)
def _empty(clean: None) -> None:
    """Tables are empty before each test."""


def counters() -> int:
    with db.engine().connect() as another:
        return int(another.execute(sa.text("SELECT count(*) FROM invoice_counters")).scalar_one())


def begin(session: Session) -> None:
    session.connection().exec_driver_sql(ADD, {"event": 1})


@pytest.mark.parametrize("is_last", [False, True])
def test_others_see_it_before_the_transaction_returns(is_last: bool) -> None:
    """So its locks are gone."""
    with db.transaction() as session:
        if is_last:
            begin(session)
        execute_and_commit(session, Statement(ADD), {"event": 2})
        assert counters() == 1 + is_last
    assert counters() == 1 + is_last


@pytest.mark.parametrize("is_last", [False, True])
def test_of_a_transaction_whose_last_statement_fails_nothing_stays(is_last: bool) -> None:
    def work(session: Session) -> None:
        if is_last:
            begin(session)
        execute_and_commit(session, Statement(REFUSED), {"event": 2})

    for _ in range(12):  # also once the driver has prepared it
        with pytest.raises(DBAPIError) as raised:
            db.run(work)
        assert getattr(raised.value.orig, "sqlstate", None) == "SD409"
    assert counters() == 0


def test_the_connection_is_as_before() -> None:
    """The next transaction on it can be rolled back."""
    with db.transaction() as session:
        execute_and_commit(session, Statement(ADD), {"event": 1})
    session = Session(db.engine())
    begin_anew = {"event": 2}
    session.connection().exec_driver_sql(ADD, begin_anew)
    session.rollback()
    session.close()
    assert counters() == 1


def test_what_failed_first_is_said_however_the_answers_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its SQLSTATE decides whether the transaction is tried again. Where the first answer comes alone, and those of the
    statements behind it a moment later, the driver raises the last one, with the first as its context.
    """

    @contextmanager
    def pipeline(_: Any) -> Iterator[None]:
        yield
        try:
            raise psycopg.errors.DeadlockDetected
        finally:
            raise psycopg.errors.PipelineAborted

    monkeypatch.setattr(psycopg.Connection, "pipeline", pipeline)
    with db.transaction() as session:
        begin(session)
        with pytest.raises(OperationalError) as raised:
            execute_and_commit(session, Statement(ADD), {"event": 2})
        session.rollback()
    assert isinstance(raised.value.orig, psycopg.errors.DeadlockDetected)


def test_a_statement_is_numbered_by_name() -> None:
    statement = Statement("SELECT %(b)s, %(a)s, %(b)s::int[]")
    assert statement.text == "SELECT $1, $2, $1::int[]"
    assert statement.arguments({"a": 1, "b": 2, "c": 3}) == [2, 1]


@pytest.mark.parametrize("values", [[], [1, -(2**62)], [True, False]])
def test_an_array_is_read_as_it_was_written(values: list[int]) -> None:
    kind = "boolean" if values and values[0] is True else "bigint"
    with db.engine().connect() as connection:
        read = connection.exec_driver_sql(f"SELECT %s::{kind}[]", (array(values),)).scalar_one()
    assert read == values
