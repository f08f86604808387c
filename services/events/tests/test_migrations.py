"""Migrations that meet rows of before."""

import psycopg
from alembic import command

from chassis import migrate
from chassis.testing import scratch_database
from services.events.main import SERVICE


def test_of_several_feedbacks_of_one_user_the_newest_stays(postgres_url: str) -> None:
    with scratch_database(postgres_url, "feedbacks") as url:
        command.upgrade(migrate._config(SERVICE, url), "0005")
        with psycopg.connect(url) as db:
            db.execute("SET session_replication_role = replica")  # feedbacks without their events and sessions
            db.execute(
                "INSERT INTO feedbacks (rating, user_id, event_id, session_id) VALUES (1, 1, 1, NULL), (2, 1, 1, NULL),"
                " (3, 2, 1, NULL), (4, 1, 2, NULL), (1, 1, NULL, 1), (2, 1, NULL, 1), (5, 1, NULL, 1), (3, 2, NULL, 1)"
            )
        migrate.upgrade(SERVICE, url)
        with psycopg.connect(url) as db:
            kept = db.execute("SELECT rating, user_id, event_id, session_id FROM feedbacks ORDER BY id").fetchall()
    assert kept == [(2, 1, 1, None), (3, 2, 1, None), (4, 1, 2, None), (5, 1, None, 1), (3, 2, None, 1)]
