"""The specification against the running app."""

from typing import Any

import pytest

from chassis.db import transaction
from chassis.testing_spec import spec_tests
from services.accounts.main import SERVICE
from services.accounts.models import UserEmail
from services.accounts.tests import people
from services.accounts.tests.test_notifications import hear_event, join_team

globals().update(
    spec_tests(
        SERVICE, known={"user_id": "1", "notification_id": "1", "email_notification_id": "1", "user_email_id": "1"}
    )
)


@pytest.fixture
def callers(client: Any) -> dict[str, dict[str, str]]:
    """Real logins: this is the service that makes them."""
    ann, root = people.somebody(client), people.super_admin(client)
    return {
        "nobody": {},
        "user": {"Authorization": f"Bearer {ann.access_token}"},
        "super admin": {"Authorization": f"JWT {root.access_token}"},
    }


@pytest.fixture
def arranged(callers: Any) -> None:
    """User 1 has one of everything."""
    hear_event()
    join_team(1, "organizer")
    with transaction() as db:
        db.add(UserEmail(user_id=1, email_address="a@example.org", email_key="a@example.org", type="work"))
