"""Every operation against the specification. What they find is arranged once, since there are many of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from chassis import auth, rpc
from chassis import db as database
from chassis.testing import PEERS, SECRET, Client, empty_tables, fetch_test_keys
from chassis.testing_spec import spec_tests
from services.events import defaults
from services.events.main import SERVICE
from services.events.tests.conftest import Making

globals().update(
    spec_tests(SERVICE, examples=1, known={"identifier": "1", "id": "1", "user_id": "1", "code": "SPRING"})
)


@pytest.fixture(scope="module")
def clean(app: Any) -> Iterator[None]:
    """An event with something in it, for all operations together; orders does not answer."""
    keyring = auth.Keyring(fetch_test_keys)
    auth.configure(keyring)
    keyring.refresh()
    rpc.configure(rpc.Peers(SERVICE.name, SECRET, dict.fromkeys(PEERS, "127.0.0.1:1")))
    empty_tables(SERVICE)
    with database.engine().begin() as connection:
        defaults.install(connection)
        defaults.install_taxonomy(connection)
        connection.exec_driver_sql("UPDATE modules SET ticket_include = true, payment_include = true")
    making = Making(Client(app))
    event = making.event()
    ticket = making.ticket(event)
    making.discount(event, ticket["id"])
    for path, kind, attributes in (
        ("tracks", "track", {"name": "Main", "color": "#336699"}),
        ("sessions", "session", {"title": "Welcome", "state": "accepted"}),
        ("speakers", "speaker", {"name": "Ada", "is_featured": True}),
        ("sponsors", "sponsor", {"name": "Bakery"}),
        ("social-links", "social-link", {"name": "Page", "link": "https://example.com"}),
        ("faqs", "faq", {"question": "Where?", "answer": "Here."}),
        ("taxes", "tax", {"name": "VAT", "rate": 7}),
    ):
        making.child(path, kind, event, **attributes)
    yield
    empty_tables(SERVICE)


@pytest.fixture(scope="module")
def installed() -> None:
    """See `clean`."""
