"""Authorizations by their own id.

The table is a replica; payments says everything again (see docs/replicas.md).
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Authorizations by their own id."""
    op.drop_table("stripe_authorizations")
    op.create_table(
        "stripe_authorizations",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("is_linked", sa.Boolean(), nullable=False),
        sa.Column("stripe_publishable_key", sa.String(length=255), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_authorizations")),
    )
    op.create_index(op.f("ix_stripe_authorizations_event_id"), "stripe_authorizations", ["event_id"])
