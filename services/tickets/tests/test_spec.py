"""The specification against the running service, and the history of its tables."""

from typing import Any

import pytest

from chassis import migrate
from chassis.testing_spec import spec_tests
from services.tickets.api import downloads
from services.tickets.main import SERVICE
from services.tickets.tests.arranged import IDENTIFIER, draw_all, pay

KNOWN = {"order_identifier": IDENTIFIER, "attendee_id": "101"}
globals().update(spec_tests(SERVICE, known=KNOWN))


@pytest.fixture
def arranged(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PATIENCE_SECONDS", 0.01)
    pay()
    draw_all()
    return


def test_models_and_migrations_agree(database_url: str) -> None:
    assert migrate.pending(SERVICE, database_url) == []
