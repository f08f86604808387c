"""What every installation begins with: the roles, one record of modules (all off) and of settings, and a first taxonomy."""

from sqlalchemy import Connection, text

from services.events.domain.identifiers import slug
from services.events.domain.roles import NAMES, TITLES

TYPES = (
    "Appearance or Signing",
    "Camp, Trip or Retreat",
    "Class, Training or Workshop",
    "Concert or Performance",
    "Conference",
    "Dinner or Gala",
    "Festival or Fair",
    "Meeting or Networking Event",
    "Screening",
    "Tour",
    "Other",
)
TOPICS = {
    "Business & Professional": ("Startups & Small Business", "Career", "Finance"),
    "Community & Culture": ("Heritage", "Language", "Neighbourhood"),
    "Film, Media & Entertainment": ("Comedy", "Film", "Gaming"),
    "Food & Drink": ("Beer", "Food", "Wine"),
    "Health & Wellness": ("Medical", "Mental Health", "Yoga"),
    "Music": ("Classical", "Electronic", "Jazz", "Rock"),
    "Performing & Visual Arts": ("Dance", "Fine Art", "Theatre"),
    "Science & Technology": ("Biotech", "Hardware", "Open Source", "Web & Software"),
    "Sports & Fitness": ("Cycling", "Football", "Running"),
    "Travel & Outdoor": ("Hiking", "Travel"),
    "Other": (),
}


def install(connection: Connection) -> None:
    """Adds what is missing; what admins have changed stays."""
    for role_id, name in NAMES.items():
        connection.execute(
            text("INSERT INTO roles (id, name, title_name) VALUES (:id, :name, :title) ON CONFLICT (id) DO NOTHING"),
            {"id": role_id, "name": name, "title": TITLES[role_id]},
        )
    connection.execute(text("SELECT setval(pg_get_serial_sequence('roles', 'id'), greatest(max(id), 100)) FROM roles"))
    connection.execute(
        text(
            "INSERT INTO modules (id, ticket_include, payment_include, donation_include)"
            " VALUES (1, false, false, false) ON CONFLICT DO NOTHING"
        )
    )
    connection.execute(
        text(
            "INSERT INTO settings (id, app_name, order_expiry_time, others)"
            " VALUES (1, 'Stagedoor', 15, '{}') ON CONFLICT DO NOTHING"
        )
    )


def install_taxonomy(connection: Connection) -> None:
    """Types, topics and sub topics; only for a new installation, admins delete what they do not want."""
    for name in TYPES:
        connection.execute(
            text("INSERT INTO event_types (name, slug) VALUES (:name, :slug) ON CONFLICT DO NOTHING"),
            {"name": name, "slug": slug(name)},
        )
    for topic, sub_topics in TOPICS.items():
        topic_id = connection.execute(
            text("INSERT INTO event_topics (name, slug) VALUES (:name, :slug) RETURNING id"),
            {"name": topic, "slug": slug(topic)},
        ).scalar_one()
        for name in sub_topics:
            connection.execute(
                text("INSERT INTO event_sub_topics (name, slug, event_topic_id) VALUES (:name, :slug, :topic)"),
                {"name": name, "slug": slug(name), "topic": topic_id},
            )
