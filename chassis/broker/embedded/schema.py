"""The tables of the embedded broker, in a database of its own.

Of its own, because a long transaction in a service's database would keep PostgreSQL from cleaning up after the queue.
"""

import psycopg
from psycopg import sql

from chassis.messages import Catalogue

# A dead letter is a row whose queue is "<service>.dead". `not_before` orders a queue: the moment of publishing, later
# that of the next attempt. Autovacuum comes by count, not by share: the table is small and always changing.
TABLES = """
CREATE TABLE binding (type text, queue text, PRIMARY KEY (type, queue));
CREATE TABLE message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    failures integer NOT NULL DEFAULT 0,
    reason text NOT NULL DEFAULT '',
    message_id uuid NOT NULL,
    type text NOT NULL,
    key text NOT NULL,
    request_id text NOT NULL,
    traceparent text NOT NULL,
    occurred_at timestamptz NOT NULL,
    payload bytea NOT NULL
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 10000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX message_due ON message (queue, not_before);
CREATE TABLE broadcast (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    message_id uuid NOT NULL,
    type text NOT NULL,
    key text NOT NULL,
    request_id text NOT NULL,
    traceparent text NOT NULL,
    occurred_at timestamptz NOT NULL,
    payload bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX broadcast_transaction ON broadcast (transaction_id);
CREATE INDEX broadcast_age ON broadcast (stored_at);
"""


def declare(connection: psycopg.Connection, schema: str, catalogue: Catalogue) -> None:
    """Creates what is missing. Several processes may do so at once; whoever finds all in place locks nothing."""
    if not _is_complete(connection, schema):
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"stagedoor broker {schema}",))
            if not _is_complete(connection, schema):
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
                connection.execute(TABLES)
    there = set(connection.execute("SELECT type, queue FROM binding").fetchall())
    if missing := [binding for binding in catalogue.bindings if binding not in there]:
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO binding VALUES (%s, %s) ON CONFLICT DO NOTHING", missing)


def _is_complete(connection: psycopg.Connection, schema: str) -> bool:
    """Asks the catalogue's table: name resolution may not see yet what another process has just committed."""
    last_table = "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = 'broadcast'"
    return connection.execute(last_table, (schema,)).fetchone() is not None
