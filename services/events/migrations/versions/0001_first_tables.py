"""First tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.events import defaults

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """First tables."""
    op.execute(sa.schema.CreateSequence(sa.Sequence("code_ids")))
    op.create_table(
        "event_topics",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("slug", sa.String(length=255), nullable=False),
        sa.Column("system_image_url", sa.String(length=2048), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_topics")),
        sa.UniqueConstraint("slug", name=op.f("uq_event_topics_slug")),
    )
    op.create_table(
        "event_types",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("slug", sa.String(length=255), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_types")),
        sa.UniqueConstraint("slug", name=op.f("uq_event_types_slug")),
    )
    op.create_table(
        "groups",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("social_links", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("logo_url", sa.String(length=2048), nullable=True),
        sa.Column("banner_url", sa.String(length=2048), nullable=True),
        sa.Column("is_promoted", sa.Boolean(), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
    )
    op.create_index(op.f("ix_groups_user_id"), "groups", ["user_id"], unique=False)
    op.create_table(
        "modules",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("ticket_include", sa.Boolean(), nullable=False),
        sa.Column("payment_include", sa.Boolean(), nullable=False),
        sa.Column("donation_include", sa.Boolean(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_modules_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_modules")),
    )
    op.create_table(
        "pages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=True),
        sa.Column("url", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("place", sa.String(length=16), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pages")),
    )
    op.create_table(
        "restrictions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("batch", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("thing_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restrictions")),
    )
    op.create_index(op.f("ix_restrictions_asked_at"), "restrictions", ["asked_at"], unique=False)
    op.create_index(op.f("ix_restrictions_batch"), "restrictions", ["batch"], unique=False)
    op.create_table(
        "roles",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("title_name", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_roles_name")),
    )
    op.create_table(
        "settings",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("app_name", sa.String(length=255), nullable=True),
        sa.Column("tagline", sa.String(length=255), nullable=True),
        sa.Column("order_expiry_time", sa.Integer(), nullable=False),
        sa.Column("others", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_settings_one")),
        sa.CheckConstraint("order_expiry_time BETWEEN 1 AND 60", name=op.f("ck_settings_order_expiry_time")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settings")),
    )
    op.create_table(
        "stripe_authorizations",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("is_linked", sa.Boolean(), nullable=False),
        sa.Column("stripe_publishable_key", sa.String(length=255), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_stripe_authorizations")),
    )
    op.create_table(
        "users",
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("first_name", sa.String(length=255), nullable=False),
        sa.Column("last_name", sa.String(length=255), nullable=False),
        sa.Column("public_name", sa.String(length=255), nullable=False),
        sa.Column("avatar_url", sa.String(length=2048), nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index(op.f("ix_users_email"), "users", ["email"], unique=False)
    op.create_table(
        "event_sub_topics",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("slug", sa.String(length=255), nullable=False),
        sa.Column("event_topic_id", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_topic_id"], ["event_topics.id"], name=op.f("fk_event_sub_topics_event_topic_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_sub_topics")),
    )
    op.create_index(op.f("ix_event_sub_topics_event_topic_id"), "event_sub_topics", ["event_topic_id"], unique=False)
    op.create_table(
        "user_follow_groups",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_user_follow_groups_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_follow_groups")),
        sa.UniqueConstraint("group_id", "user_id", name=op.f("uq_user_follow_groups_group_id_user_id")),
    )
    op.create_index(op.f("ix_user_follow_groups_user_id"), "user_follow_groups", ["user_id"], unique=False)
    op.create_table(
        "custom_placeholders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("original_image_url", sa.String(length=2048), nullable=False),
        sa.Column("copyright", sa.String(length=255), nullable=True),
        sa.Column("origin", sa.String(length=255), nullable=True),
        sa.Column("event_sub_topic_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_sub_topic_id"],
            ["event_sub_topics.id"],
            name=op.f("fk_custom_placeholders_event_sub_topic_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_placeholders")),
        sa.UniqueConstraint("event_sub_topic_id", name=op.f("uq_custom_placeholders_event_sub_topic_id")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("identifier", sa.String(length=8), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("privacy", sa.String(length=16), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("location_name", sa.String(length=255), nullable=True),
        sa.Column("searchable_location_name", sa.String(length=255), nullable=True),
        sa.Column("is_map_shown", sa.Boolean(), nullable=False),
        sa.Column("public_stream_link", sa.String(length=2048), nullable=True),
        sa.Column("stream_loop", sa.Boolean(), nullable=False),
        sa.Column("stream_autoplay", sa.Boolean(), nullable=False),
        sa.Column("external_event_url", sa.String(length=2048), nullable=True),
        sa.Column("ticket_url", sa.String(length=2048), nullable=True),
        sa.Column("logo_url", sa.String(length=2048), nullable=True),
        sa.Column("original_image_url", sa.String(length=2048), nullable=True),
        sa.Column("document_links", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("code_of_conduct", sa.Text(), nullable=True),
        sa.Column("schedule_published_on", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after_order_message", sa.Text(), nullable=True),
        sa.Column("has_owner_info", sa.Boolean(), nullable=False),
        sa.Column("owner_name", sa.String(length=255), nullable=True),
        sa.Column("owner_description", sa.Text(), nullable=True),
        sa.Column("is_featured", sa.Boolean(), nullable=False),
        sa.Column("is_promoted", sa.Boolean(), nullable=False),
        sa.Column("is_demoted", sa.Boolean(), nullable=False),
        sa.Column("is_announced", sa.Boolean(), nullable=False),
        sa.Column("is_oneclick_signup_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_sessions_speakers_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_cfs_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_sponsors_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_ticket_form_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_badges_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_chat_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_videoroom_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_document_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_donation_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_tax_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_billing_info_mandatory", sa.Boolean(), nullable=False),
        sa.Column("show_remaining_tickets", sa.Boolean(), nullable=False),
        sa.Column("payment_country", sa.String(length=64), nullable=True),
        sa.Column("payment_currency", sa.String(length=3), nullable=False),
        sa.Column("paypal_email", sa.String(length=255), nullable=True),
        sa.Column("refund_policy", sa.Text(), nullable=True),
        sa.Column("can_pay_by_paypal", sa.Boolean(), nullable=False),
        sa.Column("can_pay_by_stripe", sa.Boolean(), nullable=False),
        sa.Column("can_pay_by_cheque", sa.Boolean(), nullable=False),
        sa.Column("can_pay_by_bank", sa.Boolean(), nullable=False),
        sa.Column("can_pay_by_invoice", sa.Boolean(), nullable=False),
        sa.Column("can_pay_onsite", sa.Boolean(), nullable=False),
        sa.Column("can_pay_by_omise", sa.Boolean(), nullable=False),
        sa.Column("can_pay_by_alipay", sa.Boolean(), nullable=False),
        sa.Column("can_pay_by_paytm", sa.Boolean(), nullable=False),
        sa.Column("cheque_details", sa.Text(), nullable=True),
        sa.Column("invoice_details", sa.Text(), nullable=True),
        sa.Column("bank_details", sa.Text(), nullable=True),
        sa.Column("onsite_details", sa.Text(), nullable=True),
        sa.Column("is_stripe_linked", sa.Boolean(), nullable=False),
        sa.Column("event_type_id", sa.BigInteger(), nullable=True),
        sa.Column("event_topic_id", sa.BigInteger(), nullable=True),
        sa.Column("event_sub_topic_id", sa.BigInteger(), nullable=True),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("copied_from_id", sa.BigInteger(), nullable=True),
        sa.Column("completed_order_sales", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("completed_order_tickets", sa.Integer(), server_default="0", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('draft', 'published')", name=op.f("ck_events_state")),
        sa.ForeignKeyConstraint(
            ["event_sub_topic_id"],
            ["event_sub_topics.id"],
            name=op.f("fk_events_event_sub_topic_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["event_topic_id"], ["event_topics.id"], name=op.f("fk_events_event_topic_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["event_type_id"], ["event_types.id"], name=op.f("fk_events_event_type_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_events_group_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("identifier", name=op.f("uq_events_identifier")),
    )
    op.create_index(op.f("ix_events_group_id"), "events", ["group_id"], unique=False)
    op.create_index(
        "ix_events_listed",
        "events",
        ["starts_at", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL AND state = 'published'"),
    )
    op.create_index(op.f("ix_events_owner_id"), "events", ["owner_id"], unique=False)
    op.create_table(
        "access_codes",
        sa.Column("access_url", sa.String(length=2048), nullable=True),
        sa.Column("id", sa.BigInteger(), server_default=sa.text("nextval('code_ids')"), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("tickets_number", sa.Integer(), nullable=True),
        sa.Column("min_quantity", sa.Integer(), nullable=True),
        sa.Column("max_quantity", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_till", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("marketer_id", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_access_codes_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_codes")),
    )
    op.create_index(op.f("ix_access_codes_event_id"), "access_codes", ["event_id"], unique=False)
    op.create_index(op.f("ix_access_codes_marketer_id"), "access_codes", ["marketer_id"], unique=False)
    op.create_index(
        "uq_access_codes_code",
        "access_codes",
        ["event_id", sa.literal_column("lower(code)")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "custom_forms",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("field_identifier", sa.String(length=255), nullable=False),
        sa.Column("form", sa.String(length=16), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("is_included", sa.Boolean(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("is_complex", sa.Boolean(), nullable=False),
        sa.Column("is_fixed", sa.Boolean(), nullable=False),
        sa.Column("is_allow_edit", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("form_id", sa.String(length=255), nullable=True),
        sa.Column("min", sa.Integer(), nullable=True),
        sa.Column("max", sa.Integer(), nullable=True),
        sa.Column("main_language", sa.String(length=16), nullable=True),
        sa.Column("translations", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("form IN ('attendee', 'session', 'speaker')", name=op.f("ck_custom_forms_form")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_custom_forms_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_forms")),
    )
    op.create_index(op.f("ix_custom_forms_event_id"), "custom_forms", ["event_id"], unique=False)
    op.create_index(
        "uq_custom_forms_field",
        "custom_forms",
        ["event_id", "form", "field_identifier", sa.literal_column("coalesce(form_id, '')")],
        unique=True,
    )
    op.create_table(
        "discount_codes",
        sa.Column("used_for", sa.String(length=16), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("discount_url", sa.String(length=2048), nullable=True),
        sa.Column("id", sa.BigInteger(), server_default=sa.text("nextval('code_ids')"), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("tickets_number", sa.Integer(), nullable=True),
        sa.Column("min_quantity", sa.Integer(), nullable=True),
        sa.Column("max_quantity", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_till", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("marketer_id", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("type IN ('percent', 'amount') AND value >= 0", name=op.f("ck_discount_codes_value")),
        sa.CheckConstraint("used_for IN ('event', 'ticket')", name=op.f("ck_discount_codes_used_for")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_discount_codes_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discount_codes")),
    )
    op.create_index(op.f("ix_discount_codes_event_id"), "discount_codes", ["event_id"], unique=False)
    op.create_index(op.f("ix_discount_codes_marketer_id"), "discount_codes", ["marketer_id"], unique=False)
    op.create_index(
        "uq_discount_codes_code",
        "discount_codes",
        ["event_id", sa.literal_column("lower(code)")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_discount_codes_event",
        "discount_codes",
        ["event_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND used_for = 'event'"),
    )
    op.create_table(
        "event_copyrights",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("holder", sa.String(length=255), nullable=True),
        sa.Column("holder_url", sa.String(length=2048), nullable=True),
        sa.Column("licence", sa.String(length=255), nullable=False),
        sa.Column("licence_url", sa.String(length=2048), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("logo_url", sa.String(length=2048), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_event_copyrights_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_copyrights")),
    )
    op.create_index(op.f("ix_event_copyrights_event_id"), "event_copyrights", ["event_id"], unique=False)
    op.create_index(
        "uq_event_copyrights_event",
        "event_copyrights",
        ["event_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "exhibitors",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("url", sa.String(length=2048), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("logo_url", sa.String(length=2048), nullable=True),
        sa.Column("banner_url", sa.String(length=2048), nullable=True),
        sa.Column("thumbnail_image_url", sa.String(length=2048), nullable=True),
        sa.Column("enable_video_room", sa.Boolean(), nullable=True),
        sa.Column("video_url", sa.String(length=2048), nullable=True),
        sa.Column("slides_url", sa.String(length=2048), nullable=True),
        sa.Column("contact_email", sa.String(length=320), nullable=True),
        sa.Column("contact_link", sa.String(length=255), nullable=True),
        sa.Column("social_links", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_exhibitors_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exhibitors")),
    )
    op.create_index(op.f("ix_exhibitors_event_id"), "exhibitors", ["event_id"], unique=False)
    op.create_table(
        "faq_types",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_faq_types_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faq_types")),
    )
    op.create_index(op.f("ix_faq_types_event_id"), "faq_types", ["event_id"], unique=False)
    op.create_table(
        "members",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_members_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("event_id", "user_id", name=op.f("uq_members_event_id_user_id")),
    )
    op.create_index(op.f("ix_members_event_id"), "members", ["event_id"], unique=False)
    op.create_index(op.f("ix_members_user_id"), "members", ["user_id"], unique=False)
    op.create_table(
        "microlocations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("floor", sa.Integer(), nullable=True),
        sa.Column("room", sa.String(length=255), nullable=True),
        sa.Column("hidden_in_scheduler", sa.Boolean(), nullable=False),
        sa.Column("is_chat_enabled", sa.Boolean(), nullable=True),
        sa.Column("is_global_event_room", sa.Boolean(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_microlocations_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_microlocations")),
    )
    op.create_index(op.f("ix_microlocations_event_id"), "microlocations", ["event_id"], unique=False)
    op.create_table(
        "offer_versions",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_offer_versions_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_offer_versions")),
    )
    op.create_table(
        "order_sales",
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_order_sales_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_sales")),
    )
    op.create_index(op.f("ix_order_sales_event_id"), "order_sales", ["event_id"], unique=False)
    op.create_table(
        "role_invites",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.Column("role_name", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("invited_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_role_invites_event_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role_id"], ["roles.id"], name=op.f("fk_role_invites_role_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_invites")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_role_invites_token_hash")),
    )
    op.create_index(op.f("ix_role_invites_event_id"), "role_invites", ["event_id"], unique=False)
    op.create_index(
        "uq_role_invites_pending",
        "role_invites",
        ["event_id", sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "session_types",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("length", sa.String(length=8), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_session_types_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_types")),
    )
    op.create_index(op.f("ix_session_types_event_id"), "session_types", ["event_id"], unique=False)
    op.create_table(
        "social_links",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("link", sa.String(length=2048), nullable=False),
        sa.Column("identifier", sa.String(length=255), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_social_links_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_social_links")),
    )
    op.create_index(op.f("ix_social_links_event_id"), "social_links", ["event_id"], unique=False)
    op.create_table(
        "speakers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("photo_url", sa.String(length=2048), nullable=True),
        sa.Column("short_biography", sa.Text(), nullable=True),
        sa.Column("long_biography", sa.Text(), nullable=True),
        sa.Column("speaking_experience", sa.Text(), nullable=True),
        sa.Column("mobile", sa.String(length=64), nullable=True),
        sa.Column("website", sa.String(length=2048), nullable=True),
        sa.Column("twitter", sa.String(length=2048), nullable=True),
        sa.Column("facebook", sa.String(length=2048), nullable=True),
        sa.Column("github", sa.String(length=2048), nullable=True),
        sa.Column("mastodon", sa.String(length=2048), nullable=True),
        sa.Column("linkedin", sa.String(length=2048), nullable=True),
        sa.Column("instagram", sa.String(length=2048), nullable=True),
        sa.Column("organisation", sa.String(length=255), nullable=True),
        sa.Column("is_featured", sa.Boolean(), nullable=False),
        sa.Column("is_email_overridden", sa.Boolean(), nullable=False),
        sa.Column("position", sa.String(length=255), nullable=True),
        sa.Column("country", sa.String(length=255), nullable=True),
        sa.Column("city", sa.String(length=255), nullable=True),
        sa.Column("address", sa.String(length=255), nullable=True),
        sa.Column("gender", sa.String(length=64), nullable=True),
        sa.Column("order", sa.Integer(), nullable=True),
        sa.Column("heard_from", sa.String(length=255), nullable=True),
        sa.Column("sponsorship_required", sa.Text(), nullable=True),
        sa.Column("speaker_positions", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("complex_field_values", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_speakers_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_speakers")),
    )
    op.create_index(op.f("ix_speakers_event_id"), "speakers", ["event_id"], unique=False)
    op.create_index(op.f("ix_speakers_user_id"), "speakers", ["user_id"], unique=False)
    op.create_index(
        "uq_speakers_email",
        "speakers",
        ["event_id", sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND email <> ''"),
    )
    op.create_table(
        "speakers_calls",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("announcement", sa.Text(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("soft_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.Column("privacy", sa.String(length=16), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_speakers_calls_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_speakers_calls")),
    )
    op.create_index(op.f("ix_speakers_calls_event_id"), "speakers_calls", ["event_id"], unique=False)
    op.create_index(
        "uq_speakers_calls_event",
        "speakers_calls",
        ["event_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "sponsors",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("url", sa.String(length=2048), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("logo_url", sa.String(length=2048), nullable=True),
        sa.Column("type", sa.String(length=255), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_sponsors_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sponsors")),
    )
    op.create_index(op.f("ix_sponsors_event_id"), "sponsors", ["event_id"], unique=False)
    op.create_table(
        "taxes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("rate", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("is_tax_included_in_price", sa.Boolean(), nullable=False),
        sa.Column("country", sa.String(length=255), nullable=True),
        sa.Column("tax_id", sa.String(length=255), nullable=True),
        sa.Column("should_send_invoice", sa.Boolean(), nullable=False),
        sa.Column("is_invoice_sent", sa.Boolean(), nullable=False),
        sa.Column("registered_company", sa.String(length=255), nullable=True),
        sa.Column("contact_name", sa.String(length=255), nullable=True),
        sa.Column("phone", sa.String(length=255), nullable=True),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("address", sa.String(length=255), nullable=True),
        sa.Column("city", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=255), nullable=True),
        sa.Column("zip", sa.String(length=255), nullable=True),
        sa.Column("invoice_footer", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("rate >= 0 AND rate <= 100", name=op.f("ck_taxes_rate")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_taxes_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taxes")),
    )
    op.create_index(op.f("ix_taxes_event_id"), "taxes", ["event_id"], unique=False)
    op.create_index(
        "uq_taxes_event", "taxes", ["event_id"], unique=True, postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.create_table(
        "ticket_tags",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_ticket_tags_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_tags")),
    )
    op.create_index(op.f("ix_ticket_tags_event_id"), "ticket_tags", ["event_id"], unique=False)
    op.create_index(
        "uq_ticket_tags_name",
        "ticket_tags",
        ["event_id", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("min_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("max_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("min_order", sa.Integer(), nullable=False),
        sa.Column("max_order", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("sales_starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sales_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_hidden", sa.Boolean(), nullable=False),
        sa.Column("is_description_visible", sa.Boolean(), nullable=False),
        sa.Column("is_fee_absorbed", sa.Boolean(), nullable=False),
        sa.Column("is_checkin_restricted", sa.Boolean(), nullable=False),
        sa.Column("auto_checkin_enabled", sa.Boolean(), nullable=False),
        sa.Column("form_id", sa.String(length=255), nullable=True),
        sa.Column("badge_id", sa.String(length=255), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("price_minor >= 0", name=op.f("ck_tickets_price")),
        sa.CheckConstraint(
            "quantity >= 0 AND min_order >= 0 AND max_order >= min_order", name=op.f("ck_tickets_quantities")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_tickets_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
    )
    op.create_index(op.f("ix_tickets_event_id"), "tickets", ["event_id"], unique=False)
    op.create_index(
        "uq_tickets_name", "tickets", ["event_id", "name"], unique=True, postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.create_table(
        "tracks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("color", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_tracks_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracks")),
    )
    op.create_index(op.f("ix_tracks_event_id"), "tracks", ["event_id"], unique=False)
    op.create_table(
        "users_events_roles",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_users_events_roles_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["role_id"], ["roles.id"], name=op.f("fk_users_events_roles_role_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users_events_roles")),
        sa.UniqueConstraint(
            "event_id", "user_id", "role_id", name=op.f("uq_users_events_roles_event_id_user_id_role_id")
        ),
    )
    op.create_index(op.f("ix_users_events_roles_event_id"), "users_events_roles", ["event_id"], unique=False)
    op.create_index(op.f("ix_users_events_roles_user_id"), "users_events_roles", ["user_id"], unique=False)
    op.create_index(
        "uq_users_events_roles_owner",
        "users_events_roles",
        ["event_id"],
        unique=True,
        postgresql_where=sa.text("role_id = 1"),
    )
    op.create_table(
        "access_code_tickets",
        sa.Column("access_code_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["access_code_id"],
            ["access_codes.id"],
            name=op.f("fk_access_code_tickets_access_code_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_access_code_tickets_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("access_code_id", "ticket_id", name=op.f("pk_access_code_tickets")),
    )
    op.create_index(op.f("ix_access_code_tickets_ticket_id"), "access_code_tickets", ["ticket_id"], unique=False)
    op.create_table(
        "custom_form_options",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("custom_form_id", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["custom_form_id"],
            ["custom_forms.id"],
            name=op.f("fk_custom_form_options_custom_form_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_form_options")),
    )
    op.create_index(
        op.f("ix_custom_form_options_custom_form_id"), "custom_form_options", ["custom_form_id"], unique=False
    )
    op.create_table(
        "discount_code_tickets",
        sa.Column("discount_code_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["discount_code_id"],
            ["discount_codes.id"],
            name=op.f("fk_discount_code_tickets_discount_code_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_discount_code_tickets_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("discount_code_id", "ticket_id", name=op.f("pk_discount_code_tickets")),
    )
    op.create_index(op.f("ix_discount_code_tickets_ticket_id"), "discount_code_tickets", ["ticket_id"], unique=False)
    op.create_table(
        "faqs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("faq_type_id", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_faqs_event_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["faq_type_id"], ["faq_types.id"], name=op.f("fk_faqs_faq_type_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faqs")),
    )
    op.create_index(op.f("ix_faqs_event_id"), "faqs", ["event_id"], unique=False)
    op.create_index(op.f("ix_faqs_faq_type_id"), "faqs", ["faq_type_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("subtitle", sa.String(length=255), nullable=True),
        sa.Column("level", sa.String(length=64), nullable=True),
        sa.Column("short_abstract", sa.Text(), nullable=True),
        sa.Column("long_abstract", sa.Text(), nullable=True),
        sa.Column("comments", sa.Text(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("language", sa.String(length=64), nullable=True),
        sa.Column("slides", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("slides_url", sa.String(length=2048), nullable=True),
        sa.Column("website", sa.String(length=2048), nullable=True),
        sa.Column("twitter", sa.String(length=2048), nullable=True),
        sa.Column("facebook", sa.String(length=2048), nullable=True),
        sa.Column("github", sa.String(length=2048), nullable=True),
        sa.Column("linkedin", sa.String(length=2048), nullable=True),
        sa.Column("instagram", sa.String(length=2048), nullable=True),
        sa.Column("gitlab", sa.String(length=2048), nullable=True),
        sa.Column("mastodon", sa.String(length=2048), nullable=True),
        sa.Column("video_url", sa.String(length=2048), nullable=True),
        sa.Column("audio_url", sa.String(length=2048), nullable=True),
        sa.Column("signup_url", sa.String(length=2048), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_mail_sent", sa.Boolean(), nullable=False),
        sa.Column("is_locked", sa.Boolean(), nullable=False),
        sa.Column("complex_field_values", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("creator_id", sa.BigInteger(), nullable=True),
        sa.Column("track_id", sa.BigInteger(), nullable=True),
        sa.Column("session_type_id", sa.BigInteger(), nullable=True),
        sa.Column("microlocation_id", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'pending', 'accepted', 'confirmed', 'rejected', 'canceled', 'withdrawn')",
            name=op.f("ck_sessions_state"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_sessions_times")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_sessions_event_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["microlocation_id"], ["microlocations.id"], name=op.f("fk_sessions_microlocation_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["session_type_id"], ["session_types.id"], name=op.f("fk_sessions_session_type_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name=op.f("fk_sessions_track_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_creator_id"), "sessions", ["creator_id"], unique=False)
    op.create_index(op.f("ix_sessions_event_id"), "sessions", ["event_id"], unique=False)
    op.create_index(
        "ix_sessions_room",
        "sessions",
        ["microlocation_id", "starts_at"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_sessions_session_type_id"), "sessions", ["session_type_id"], unique=False)
    op.create_index(op.f("ix_sessions_track_id"), "sessions", ["track_id"], unique=False)
    op.create_table(
        "ticket_tag_tickets",
        sa.Column("ticket_tag_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_tag_tickets_ticket_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["ticket_tag_id"], ["ticket_tags.id"], name=op.f("fk_ticket_tag_tickets_ticket_tag_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ticket_tag_id", "ticket_id", name=op.f("pk_ticket_tag_tickets")),
    )
    op.create_index(op.f("ix_ticket_tag_tickets_ticket_id"), "ticket_tag_tickets", ["ticket_id"], unique=False)
    op.create_table(
        "video_streams",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("microlocation_id", sa.BigInteger(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_video_streams_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["microlocation_id"],
            ["microlocations.id"],
            name=op.f("fk_video_streams_microlocation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_video_streams")),
        sa.UniqueConstraint("microlocation_id", name=op.f("uq_video_streams_microlocation_id")),
    )
    op.create_index(op.f("ix_video_streams_event_id"), "video_streams", ["event_id"], unique=False)
    op.create_table(
        "exhibitor_sessions",
        sa.Column("exhibitor_id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["exhibitor_id"], ["exhibitors.id"], name=op.f("fk_exhibitor_sessions_exhibitor_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_exhibitor_sessions_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("exhibitor_id", "session_id", name=op.f("pk_exhibitor_sessions")),
    )
    op.create_index(op.f("ix_exhibitor_sessions_session_id"), "exhibitor_sessions", ["session_id"], unique=False)
    op.create_table(
        "feedbacks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("rating", sa.Double(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("session_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(event_id IS NULL) <> (session_id IS NULL)", name=op.f("ck_feedbacks_about_one")),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_feedbacks_rating")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_feedbacks_event_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_feedbacks_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedbacks")),
    )
    op.create_index(op.f("ix_feedbacks_event_id"), "feedbacks", ["event_id"], unique=False)
    op.create_index(op.f("ix_feedbacks_session_id"), "feedbacks", ["session_id"], unique=False)
    op.create_index(op.f("ix_feedbacks_user_id"), "feedbacks", ["user_id"], unique=False)
    op.create_table(
        "session_speakers",
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("speaker_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_session_speakers_session_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["speaker_id"], ["speakers.id"], name=op.f("fk_session_speakers_speaker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "speaker_id", name=op.f("pk_session_speakers")),
    )
    op.create_index(op.f("ix_session_speakers_speaker_id"), "session_speakers", ["speaker_id"], unique=False)
    op.create_table(
        "user_favourite_sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_user_favourite_sessions_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_favourite_sessions")),
        sa.UniqueConstraint("session_id", "user_id", name=op.f("uq_user_favourite_sessions_session_id_user_id")),
    )
    op.create_index(op.f("ix_user_favourite_sessions_user_id"), "user_favourite_sessions", ["user_id"], unique=False)
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
    defaults.install(op.get_bind())
    defaults.install_taxonomy(op.get_bind())
