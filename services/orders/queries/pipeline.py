"""Statements that need nothing of each other, sent together: one round trip instead of one each.

Every round trip costs a wake-up on both sides; at a thousand orders a second that is a good part of what an order costs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session


@contextmanager
def at_once(db: Session, *, and_commit: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """The driver's connection of this transaction, in pipeline mode.

    Nothing is sent to stay unless all is well: after a statement that fails, the later ones are not done. With `and_commit`
    the commit goes along as the last of them; the session's own commit then has nothing left to do. Results that are read
    inside the block cost a round trip of their own.

    Raises what SQLAlchemy would raise for the same failure, so that deadlocks are tried again as everywhere.
    """
    connection: Any = db.connection().connection.driver_connection
    try:
        with connection.pipeline():
            yield connection
            if and_commit:
                connection.execute("COMMIT")
    except psycopg.Error as error:
        first = _first(error)
        kind = OperationalError if isinstance(first, psycopg.OperationalError) else DBAPIError
        raise kind("(statements sent at once)", {}, first) from error


def _first(error: psycopg.Error) -> psycopg.Error:
    """What went wrong first: the driver may report the statements behind it, which were not done for that reason."""
    while isinstance(error, psycopg.errors.PipelineAborted) and isinstance(error.__context__, psycopg.Error):
        error = error.__context__
    return error
