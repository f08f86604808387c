"""whether the address of a user was proved

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL: not known. An older version goes on inserting without the column, and nobody knows it of the users of before.
    op.add_column("users", sa.Column("is_verified", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "is_verified")
