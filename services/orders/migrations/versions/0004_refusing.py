"""A statement can refuse, so that nothing sent after it is done."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The function that the ledger's statements call when they take nothing (services/orders/queries/ledger.py)."""
    op.execute(
        """
        CREATE FUNCTION refuse(reason text) RETURNS integer LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '%', reason USING ERRCODE = 'SD409'; END $$
        """
    )
