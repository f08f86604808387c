"""all tables"""

from alembic import op

from chassis import tables
from chassis.tests.notes.main import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
    tables.metadata.create_all(op.get_bind())
