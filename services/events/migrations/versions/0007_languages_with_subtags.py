"""A language may be as long as accounts accepts it."""

from chassis.widening import widen

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A language may be as long as accounts accepts it."""
    widen("users", "locale")


def downgrade() -> None:
    """An older version reads the wider column, too."""
