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
def at_once(db: Session) -> Iterator[psycopg.Connection[Any]]:
    """The driver's connection of this transaction, in pipeline mode. Results are read inside the block.

    Raises what SQLAlchemy would raise for the same failure, so that deadlocks are tried again as everywhere.
    """
    connection: Any = db.connection().connection.driver_connection
    try:
        with connection.pipeline():
            yield connection
    except psycopg.OperationalError as error:
        raise OperationalError("(statements sent at once)", {}, error) from error
    except psycopg.Error as error:
        raise DBAPIError("(statements sent at once)", {}, error) from error
