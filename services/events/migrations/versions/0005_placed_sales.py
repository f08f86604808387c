"""What placed orders will bring is counted, too."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What placed orders will bring is counted, too."""
    op.add_column("events", sa.Column("placed_order_sales", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("events", sa.Column("placed_order_tickets", sa.Integer(), server_default="0", nullable=False))
    op.add_column("order_sales", sa.Column("is_placed", sa.Boolean(), server_default="false", nullable=False))
