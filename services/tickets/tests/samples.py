"""People and events that tests draw and write to, for tests that need no database."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.tickets.rendering.views import EventView, LineView, OrderView, TicketView


@pytest.fixture(autouse=True)
def clean() -> None:
    """In place of the fixture that empties the tables: a module that imports it needs none."""


EVENT = EventView(
    name="PyConf Berlin 2026",
    starts_at=datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
    ends_at=datetime(2026, 11, 24, 17, 0, tzinfo=UTC),
    timezone="Europe/Berlin",
    place="Kulturbrauerei, Schönhauser Allee 36, Berlin",
    organizer="PyConf e.V.",
    message="<p>Doors open at <b>9:00</b>.</p><p>Bring a photo ID.</p>",
)
CODE = "SD1.k1.gYCAAYKAgAGDgIABAQ.AAAAAAAAAAAAAAAAAAAAAA"
TICKET = TicketView(
    event=EVENT,
    holder_name="Anna-Lena Großmann",
    holder_email="anna@example.com",
    ticket_name="Early Bird",
    order_number="O1764000000-42",
    serial="T-1234",
    code=CODE,
)
ORDER = OrderView(
    event=EVENT,
    number="O1764000000-42",
    buyer_name="Anna-Lena Großmann",
    buyer_email="anna@example.com",
    ordered_at=datetime(2026, 10, 3, 14, 5, tzinfo=UTC),
    currency="EUR",
    lines=(LineView("Early Bird", 2, 12000, 20000, 4000), LineView("Kids", 1, 0, 0)),
    total_minor=20000,
    tax_name="VAT 19 %",
    tax_minor=3193,
    is_tax_included=True,
    paid_with="Visa ending in 4242",
    tickets=(TICKET, replace(TICKET, holder_name="Bob Jones", holder_email="", serial="T-1235", code=CODE[:-1] + "B")),
)
