"""For migrations: a column of text that is to hold longer values, while older versions of the service go on working."""

import sqlalchemy as sa
from alembic import op

# The driver prepares statements, and PostgreSQL refuses to run one whose columns have changed since: "cached plan must not
# change result type". Connections that idle in a pool are closed, so that their owners open others, which wait for us.
_CLOSE_IDLE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND state = 'idle' AND pid <> pg_backend_pid()
"""


def widen(table: str, *columns: str) -> None:
    """Makes columns of `table` hold any length. No row and no index is rewritten."""
    for column in columns:
        op.alter_column(table, column, type_=sa.Text())
    op.execute(_CLOSE_IDLE)
