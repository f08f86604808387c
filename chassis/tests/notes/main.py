"""The notes service's table of contents."""

from pathlib import Path

from sqlalchemy import BigInteger, Column, Identity, MetaData, Table, Text

from chassis import tables
from chassis.config import ServiceSettings
from chassis.service import Service

metadata = MetaData()
notes = Table(
    "notes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("author", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
)

SERVICE = Service(
    name="notes",
    package="chassis.tests.notes",
    settings=ServiceSettings,
    metadata=[metadata, tables.metadata],
    spec=Path(__file__).with_name("openapi.yaml"),
    servicers=[],
)
