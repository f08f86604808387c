"""first tables

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "doomed_files",
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_doomed_files")),
    )
    op.create_table(
        "event_roles",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.String(length=64)), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_roles")),
    )
    op.create_index("ix_event_roles_pair", "event_roles", ["event_id", "user_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_table(
        "orders",
        sa.Column("identifier", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("buyer_email", sa.String(length=320), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("rendered_revision", sa.Integer(), nullable=False),
        sa.Column("pdf_key", sa.String(length=500), nullable=False),
        sa.Column("is_invoice_wanted", sa.Boolean(), nullable=False),
        sa.Column("invoice_key", sa.String(length=500), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=1000), nullable=False),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_orders")),
    )
    op.create_index("ix_orders_buyer", "orders", ["buyer_id"], unique=False)
    op.create_index(
        "ix_orders_due",
        "orders",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'paid' AND (rendered_revision < revision OR is_invoice_wanted)"),
    )
    op.create_index("ix_orders_event", "orders", ["event_id"], unique=False)
    op.create_table(
        "tickets",
        sa.Column("attendee_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_identifier", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("issue", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("holder_version", sa.BigInteger(), nullable=False),
        sa.Column("holder_name", sa.String(length=1000), nullable=False),
        sa.Column("holder_email", sa.String(length=320), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_name", sa.String(length=1000), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("rendered_revision", sa.Integer(), nullable=False),
        sa.Column("pdf_key", sa.String(length=500), nullable=False),
        sa.Column("mailed_issue", sa.Integer(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("attendee_id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("serial", name=op.f("uq_tickets_serial")),
        sa.UniqueConstraint("token", name=op.f("uq_tickets_token")),
    )
    op.create_index("ix_tickets_email", "tickets", [sa.literal_column("lower(holder_email)")], unique=False)
    op.create_index("ix_tickets_event", "tickets", ["event_id"], unique=False)
    op.create_index("ix_tickets_order", "tickets", ["order_identifier"], unique=False)
    op.create_table(
        "users",
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_table(
        "scans",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("attendee_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("door", sa.String(length=1000), nullable=False),
        sa.Column("scanned_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attendee_id"],
            ["tickets.attendee_id"],
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scans")),
        sa.UniqueConstraint("attendee_id", "kind", "at", name="uq_scans_passage"),
    )
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.String(length=40), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "method", "path", "key"),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "handler"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "mail",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("attachments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "recipient", "about", "version", name="mail_is_promised_once"),
    )
    op.create_index("mail_due", "mail", ["due_at"], unique=False, postgresql_where=sa.text("status = 'queued'"))


def downgrade() -> None:
    op.drop_index("mail_due", table_name="mail", postgresql_where=sa.text("status = 'queued'"))
    op.drop_table("mail")
    op.drop_table("outbox")
    op.drop_table("inbox")
    op.drop_index("ix_idempotency_created_at", table_name="idempotency")
    op.drop_table("idempotency")
    op.drop_table("scans")
    op.drop_table("users")
    op.drop_index("ix_tickets_order", table_name="tickets")
    op.drop_index("ix_tickets_event", table_name="tickets")
    op.drop_index("ix_tickets_email", table_name="tickets")
    op.drop_table("tickets")
    op.drop_index("ix_orders_event", table_name="orders")
    op.drop_index(
        "ix_orders_due",
        table_name="orders",
        postgresql_where=sa.text("status = 'paid' AND (rendered_revision < revision OR is_invoice_wanted)"),
    )
    op.drop_index("ix_orders_buyer", table_name="orders")
    op.drop_table("orders")
    op.drop_table("events")
    op.drop_index("ix_event_roles_pair", table_name="event_roles")
    op.drop_table("event_roles")
    op.drop_table("doomed_files")
