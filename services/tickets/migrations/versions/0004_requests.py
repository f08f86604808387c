"""the request that an order's pages belong to

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A default that is a constant: no row is rewritten, and an older version goes on inserting without the column.
    op.add_column("orders", sa.Column("request_id", sa.String(length=64), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("orders", "request_id")
