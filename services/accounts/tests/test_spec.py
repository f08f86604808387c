"""The specification against the running app."""

from typing import Any

import pytest

from chassis.testing_spec import spec_tests
from services.accounts.main import SERVICE
from services.accounts.tests import people

globals().update(spec_tests(SERVICE, known={"user_id": "1"}))


@pytest.fixture
def callers(client: Any) -> dict[str, dict[str, str]]:
    """Real logins: this is the service that makes them."""
    ann, root = people.somebody(client), people.super_admin(client)
    return {
        "nobody": {},
        "user": {"Authorization": f"Bearer {ann.access_token}"},
        "super admin": {"Authorization": f"JWT {root.access_token}"},
    }
