"""The epoch is a setting."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("events", "tickets", "discount_codes", "access_codes", "members")


def upgrade() -> None:
    """The epoch is a setting."""
    for table in TABLES:
        op.drop_column(table, "epoch")
