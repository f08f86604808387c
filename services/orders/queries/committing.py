"""The last statement of a transaction, with the commit in the same round trip.

What it locks is then locked while the database works. With a commit of its own, everybody else would also wait until this
process has heard the answer and its thread has got its turn.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session


def execute_and_commit(db: Session, statement: str, values: Mapping[str, Any]) -> None:
    """Executes the statement and commits; the session's own commit has nothing left to do.

    Raises what SQLAlchemy would raise for the same failure, so that deadlocks are tried again as everywhere; nothing is
    committed then.
    """
    connection: Any = db.connection().connection.driver_connection
    try:
        if connection.pgconn.transaction_status == TransactionStatus.IDLE:
            _alone(connection, statement, values)
        else:
            with connection.pipeline():
                connection.execute(statement, values)
                connection.execute("COMMIT")  # is skipped when the statement fails
    except psycopg.Error as error:
        first = _first(error)
        kind = OperationalError if isinstance(first, psycopg.OperationalError) else DBAPIError
        raise kind(statement, {}, first) from error


def _alone(connection: psycopg.Connection[Any], statement: str, values: Mapping[str, Any]) -> None:
    """Nothing came before it: a statement outside of a transaction is one by itself."""
    connection.autocommit = True
    try:
        connection.execute(statement, values)
    finally:
        if not connection.closed:
            connection.autocommit = False


def _first(error: psycopg.Error) -> psycopg.Error:
    """What went wrong first: the driver may report the statements behind it, which were not done for that reason."""
    while isinstance(error, psycopg.errors.PipelineAborted) and isinstance(error.__context__, psycopg.Error):
        error = error.__context__
    return error
