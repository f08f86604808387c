"""An attendee is not a user who has only signed up with the attendee's address."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Found by the index on attendees' users; those who prove the address later are the attendee again by that."""
    op.execute(
        """
        UPDATE attendees SET user_id = NULL FROM replica_users AS someone
        WHERE attendees.user_id = someone.id AND NOT someone.is_verified AND NOT someone.is_deleted
          AND lower(attendees.email) = lower(someone.email)
        """
    )


def downgrade() -> None:
    """What was never proved is not claimed again."""
