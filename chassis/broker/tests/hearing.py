"""A service for tests: one handler whose effects can be counted."""

from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import Column, Integer, MetaData, Table, Text, text
from sqlalchemy.orm import Session

from chassis import db, tables
from chassis.inbox import consumes
from chassis.outbox import outbox  # noqa: F401 (its table is part of every service)

metadata = MetaData()
effects = Table("effect", metadata, Column("id", Integer, primary_key=True), Column("what", Text, nullable=False))


@consumes(StringValue)
def note(session: Session, message: StringValue) -> None:
    """An effect that a second time would double."""
    session.execute(effects.insert(), {"what": message.value})


def prepare(database_url: str) -> None:
    """Binds this process to the database and creates the tables."""
    engine = db.configure(database_url)
    tables.metadata.create_all(engine)
    metadata.create_all(engine)


def noted() -> list[str]:
    """Every effect there is, sorted."""
    with db.transaction() as session:
        return list(session.scalars(text("SELECT what FROM effect ORDER BY what")))
