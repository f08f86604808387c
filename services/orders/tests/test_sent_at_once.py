"""Statements that are sent together, with the commit behind them: all of them or none, and who failed first is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from chassis import db
from services.orders.queries.pipeline import at_once

ADD = "INSERT INTO invoice_counters (event_id, prefix, last) VALUES (%s, 'T', 1)"


@pytest.fixture(autouse=True)
def _empty(clean: None) -> None:
    """Tables are empty before each test."""


def counters() -> int:
    with db.engine().connect() as another:
        return int(another.execute(sa.text("SELECT count(*) FROM invoice_counters")).scalar_one())


def test_the_commit_goes_along() -> None:
    """The locks are gone, and others see it, before this process has looked at the answer."""
    with db.transaction() as session:
        with at_once(session, and_commit=True) as connection:
            connection.execute(ADD, (1,))
        assert counters() == 1


def test_without_it_the_transaction_stays_open() -> None:
    with db.transaction() as session:
        with at_once(session) as connection:
            connection.execute(ADD, (1,))
        assert counters() == 0
    assert counters() == 1


@pytest.mark.parametrize("failing", [0, 1, 4])
def test_after_a_statement_that_fails_nothing_is_done_and_nothing_stays(failing: int) -> None:
    statements: list[tuple[str, Any]] = [(ADD, (number,)) for number in range(4)]
    statements.insert(failing, ("SELECT refuse('no')", ()))

    def send() -> None:
        with db.transaction() as session, at_once(session, and_commit=True) as driver:
            for statement, values in statements:
                driver.execute(statement, values)

    with pytest.raises(DBAPIError) as raised:
        send()
    assert getattr(raised.value.orig, "sqlstate", None) == "SD409"
    assert counters() == 0


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
    with pytest.raises(OperationalError) as raised, db.transaction() as session, at_once(session):
        pass
    assert isinstance(raised.value.orig, psycopg.errors.DeadlockDetected)
