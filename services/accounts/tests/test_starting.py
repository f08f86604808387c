"""What a process does when it starts, and what the clock clears away."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from chassis import clock, migrate
from proto.accounts import accounts_pb2 as pb
from services.accounts import config, jobs
from services.accounts.main import SERVICE
from services.accounts.models import EndedSession, LoginSession, MailToken, RateLimit, RefreshToken, User
from services.accounts.tests import people
from services.accounts.tests.people import PASSWORD


@pytest.fixture
def with_super_admin() -> Any:
    given = config.current()
    config.configure(replace(given, super_admin_email="Root@example.com", super_admin_password=PASSWORD))
    yield
    config.configure(given)


def test_the_first_super_admin_is_made_once(client: Any, db: Any, with_super_admin: Any, published: Any) -> None:
    jobs.make_first_super_admin()
    jobs.make_first_super_admin()
    [user] = db.scalars(sa.select(User)).all()
    assert (user.email, user.role, user.is_verified) == ("Root@example.com", "super-admin", True)
    assert published(pb.UserChanged)[-1].user.role == "super-admin"
    assert people.log_in(client, "root@example.com").status_code == 200


def test_a_deleted_super_admin_is_not_made_again(db: Any, with_super_admin: Any) -> None:
    jobs.make_first_super_admin()
    people.set_flags(1, deleted_at=clock.now())
    jobs.make_first_super_admin()
    assert db.scalar(sa.select(sa.func.count()).select_from(User)) == 1


def test_somebody_who_took_the_address_does_not_become_super_admin(client: Any, db: Any, with_super_admin: Any) -> None:
    people.sign_up(client, "root@example.com")
    with pytest.raises(Exception, match="already a user"):
        jobs.make_first_super_admin()
    assert db.scalar(sa.select(User.is_super_admin)) is False


def test_no_settings_no_super_admin(db: Any) -> None:
    jobs.make_first_super_admin()
    assert db.scalar(sa.select(sa.func.count()).select_from(User)) == 0


def test_what_means_nothing_any_more_is_forgotten(client: Any, db: Any) -> None:
    ann = people.somebody(client)
    people.log_in(client)
    ann.client.post("/v1/auth/logout")
    people.log_in(client, password="wrong-horse")
    jobs.forget_old()
    assert counts(db) == [2, 2, 1, 1, 3]
    with clock.freeze(clock.now() + timedelta(days=2)):
        jobs.forget_old()
    assert counts(db) == [1, 1, 0, 1, 0]
    with clock.freeze(clock.now() + timedelta(days=40)):
        jobs.forget_old()
    assert counts(db) == [0, 0, 0, 0, 0]


def counts(db: Any) -> list[int]:
    db.rollback()
    tables = (LoginSession, RefreshToken, EndedSession, MailToken, RateLimit)
    return [db.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables]


def test_models_and_migrations_agree(settings: Any) -> None:
    assert migrate.pending(SERVICE, settings.database_url) == []
    assert len(migrate.heads(SERVICE)) == 1
