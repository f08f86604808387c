"""The last statement of a transaction, with the commit in the same round trip.

What it locks is then locked while the database works. With a commit of its own, everybody else would also wait until this
process has heard the answer and its thread has got its turn.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy.orm import Session

from chassis.db import alone, failure


class Statement:
    """A statement in the server's own words ($1), read once: the driver keeps none of this length and would read it each time."""

    def __init__(self, text: str) -> None:
        self._names: list[str] = []
        self.text = re.sub(r"%\((\w+)\)s", self._number, text)

    def arguments(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """The values in the statement's order."""
        return [values[name] for name in self._names]

    def _number(self, match: re.Match[str]) -> str:
        if match[1] not in self._names:
            self._names.append(match[1])
        return f"${self._names.index(match[1]) + 1}"


def array(values: Iterable[int]) -> str:
    """Numbers or booleans as PostgreSQL writes an array: for a few values far cheaper than the driver's own way."""
    return "{" + ",".join(map(str, values)) + "}"


def execute_and_commit(db: Session, statement: Statement, values: Mapping[str, Any]) -> None:
    """Executes the statement and commits; the session's own commit has nothing left to do.

    Raises what SQLAlchemy would raise for the same failure, so that deadlocks are tried again as everywhere; nothing is
    committed then.
    """
    arguments = statement.arguments(values)
    try:
        if not db.in_transaction():  # nothing came before it: one statement is a transaction by itself
            with alone() as connection:
                psycopg.RawCursor(connection).execute(statement.text, arguments)
            return
        driver: Any = db.connection().connection.driver_connection
        with driver.pipeline():
            psycopg.RawCursor(driver).execute(statement.text, arguments)
            driver.execute("COMMIT")  # is skipped when the statement fails
    except psycopg.Error as error:
        raise failure(statement.text, _first(error)) from error


def _first(error: psycopg.Error) -> psycopg.Error:
    """What went wrong first: the driver may report the statements behind it, which were not done for that reason."""
    while isinstance(error, psycopg.errors.PipelineAborted) and isinstance(error.__context__, psycopg.Error):
        error = error.__context__
    return error
