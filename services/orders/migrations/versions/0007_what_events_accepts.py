"""What events and accounts accept is kept, however long it is."""

from chassis.widening import widen

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What events and accounts accept is kept, however long it is."""
    details = ("bank_details", "cheque_details", "onsite_details", "invoice_details")
    widen("replica_events", "logo_url", "original_image_url", "refund_policy", *details)
    widen("replica_tickets", "form_id")
    widen("replica_users", "locale")
    widen("orders", "tax_name")


def downgrade() -> None:
    """An older version reads the wider columns, too."""
