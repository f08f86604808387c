"""Attendees by user."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Attendees by user."""
    op.drop_index(op.f("ix_attendees_event"), table_name="attendees")
    op.create_index("ix_attendees_event", "attendees", ["event_id", "id"], unique=False)
    op.drop_index(op.f("ix_attendees_ticket"), table_name="attendees")
    op.create_index("ix_attendees_ticket", "attendees", ["ticket_id", "id"], unique=False)
    op.create_index(
        "ix_attendees_user", "attendees", ["user_id"], unique=False, postgresql_where=sa.text("user_id IS NOT NULL")
    )
