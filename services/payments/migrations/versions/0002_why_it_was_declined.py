"""Why a payment was declined, so that whoever hears of it later hears the same."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A default of the database's, for a version that does not know the column."""
    op.add_column("payments", sa.Column("decline_reason", sa.Text(), nullable=False, server_default=""))
