"""A column becomes wider under a running service."""

from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from chassis import db
from chassis.widening import widen


def test_who_has_read_a_column_before_it_became_wider_reads_on(app: Any, settings: Any) -> None:
    with db.transaction() as session:
        session.execute(sa.text("CREATE TABLE IF NOT EXISTS narrow (word varchar(3))"))
        session.execute(sa.text("INSERT INTO narrow VALUES ('abc')"))

    def words() -> list[str]:
        with db.transaction() as session:
            return list(session.scalars(sa.text("SELECT word FROM narrow ORDER BY word")))

    for _ in range(12):  # also once the driver has prepared it
        assert words() == ["abc"]
    engine = sa.create_engine(db.sqlalchemy_url(settings.database_url))
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        widen("narrow", "word")
    engine.dispose()
    assert words() == ["abc"]
    with db.transaction() as session:
        session.execute(sa.text("INSERT INTO narrow VALUES (:long)"), {"long": "x" * 50_000})
    assert len(words()[1]) == 50_000
    with db.transaction() as session:
        session.execute(sa.text("DROP TABLE narrow"))
