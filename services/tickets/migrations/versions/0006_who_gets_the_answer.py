"""Mails may say who gets the answer."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Mails may say who gets the answer. The default is a constant: no row is rewritten."""
    op.add_column("mail", sa.Column("reply_to", sa.Text(), server_default="", nullable=False))
