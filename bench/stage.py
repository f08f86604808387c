"""What the benchmark needs to exist: people, an event on sale with a discount code, and a quiet system."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from chassis.broker import connect
from gateway.config import SERVICES
from local.api import Api, ref
from local.demo import ADMIN
from local.system import System

BUYERS = 32
PDFS = "SELECT count(*) FROM attendees WHERE pdf_url IS NOT NULL"


@dataclass(frozen=True)
class Stage:
    """Logged-in buyers and what they can buy."""

    tokens: list[str]
    event_id: str
    event_identifier: str
    ticket_id: str
    code_id: str
    flash_ticket_id: str


def set_up(system: System) -> Stage:
    """Through the API, as an organizer would."""
    admin = Api(system.url).log_in(ADMIN, system.secrets.super_admin_password)
    admin.change(
        "/v1/modules", "module", "1", {"ticket-include": True, "payment-include": True, "donation-include": True}
    )
    organizer = _person(system, admin, "organizer@bench.example")
    now = datetime.now(UTC).replace(microsecond=0)
    event = organizer.create(
        "/v1/events",
        "event",
        {
            "name": "Bench",
            "starts-at": _text(now + timedelta(days=30)),
            "ends-at": _text(now + timedelta(days=31)),
            "timezone": "UTC",
            "location-name": "Hall",
            "payment-currency": "EUR",
            "payment-country": "DE",
            "can-pay-by-stripe": True,
        },
    )
    sale = {
        "type": "paid",
        "price": 20,
        "min-order": 1,
        "max-order": 10,
        "sales-starts-at": _text(now - timedelta(days=1)),
        "sales-ends-at": _text(now + timedelta(days=29)),
    }
    of_event = {"event": ref("event", event["id"])}
    ticket = organizer.create("/v1/tickets", "ticket", {"name": "Seat", "quantity": 1_000_000, **sale}, of_event)
    flash = organizer.create("/v1/tickets", "ticket", {"name": "Flash", "quantity": 300, **sale}, of_event)
    code = organizer.create(
        "/v1/discount-codes",
        "discount-code",
        {
            "code": "BENCH",
            "type": "percent",
            "value": 10,
            "tickets-number": 1_000_000,
            "min-quantity": 1,
            "max-quantity": 10,
            "valid-from": _text(now - timedelta(days=1)),
            "valid-till": _text(now + timedelta(days=29)),
            "used-for": "ticket",
            "is-active": True,
        },
        {**of_event, "tickets": [ref("ticket", ticket["id"])]},
    )
    organizer.change(f"/v1/events/{event['id']}", "event", event["id"], {"state": "published"})
    tokens = [_token(_person(system, admin, f"buyer{number}@bench.example")) for number in range(BUYERS)]
    return Stage(tokens, event["id"], event["attributes"]["identifier"], ticket["id"], code["id"], flash["id"])


def wait_until_quiet(system: System, timeout_seconds: float = 120) -> None:
    """Returns when every outbox and, in the embedded broker, every queue is empty."""
    deadline = time.monotonic() + timeout_seconds
    while _unsent(system):
        if time.monotonic() > deadline:
            raise TimeoutError("outboxes and queues did not become empty")
        time.sleep(0.1)


def wait_for_pdfs(system: System, count: int, timeout_seconds: float = 120) -> int:
    """Returns how many attendees have their PDF, as soon as these many do."""
    deadline = time.monotonic() + timeout_seconds
    while (found := _count(system.database_urls["orders"], PDFS)) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{count - found} PDFs are missing")
        time.sleep(0.1)
    return found


def _unsent(system: System) -> int:
    unsent = sum(_count(system.database_urls[name], "SELECT count(*) FROM outbox") for name in SERVICES)
    broker = connect(system.database_urls["broker"])
    try:
        return unsent + sum(depth.messages for depth in broker.depths() if not depth.queue.endswith(".dead"))
    finally:
        broker.close()


def _count(url: str, statement: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0


def _person(system: System, admin: Api, email: str) -> Api:
    user = Api(system.url).create("/v1/users", "user", {"email": email, "password": "a bench password"})
    admin.change(f"/v1/users/{user['id']}", "user", user["id"], {"is-verified": True})
    return Api(system.url).log_in(email, "a bench password")


def _token(api: Api) -> str:
    return str(api.http.headers["Authorization"]).removeprefix("Bearer ")


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
