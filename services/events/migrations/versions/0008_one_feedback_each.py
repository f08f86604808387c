"""Everybody rates a thing once: of several feedbacks the newest stays."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Everybody rates a thing once: of several feedbacks the newest stays."""
    op.execute("LOCK TABLE feedbacks IN SHARE ROW EXCLUSIVE MODE")  # the version before still writes; it may read
    op.execute(
        """
        DELETE FROM feedbacks old USING feedbacks new
        WHERE old.user_id = new.user_id AND old.id < new.id
          AND (old.event_id = new.event_id OR old.session_id = new.session_id)
        """
    )
    op.create_index("uq_feedbacks_event_id_user_id", "feedbacks", ["event_id", "user_id"], unique=True)
    op.create_index("uq_feedbacks_session_id_user_id", "feedbacks", ["session_id", "user_id"], unique=True)
