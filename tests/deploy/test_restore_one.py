"""The drill: the database of events is put back to yesterday, all others stay as they are, and nothing is lost or mixed up."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chaos.checker import check
from chaos.stores import Stores
from local.postgres import binaries
from local.system import Ports, System
from proto.events.events_pb2 import Event as EventState
from tests.journey.running import Local
from tests.journey.stage import Stage, eventually, number, text_of_pdf

log = logging.getLogger(__name__)
pytestmark = pytest.mark.timeout(400)  # a whole system, and every service starts again

READERS = ("accounts", "orders", "payments", "tickets")  # of what events says


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("restored"), Ports.free()) as system:
        yield system


@pytest.fixture(scope="module")
def stage(local: System) -> Stage:
    return Stage(Local(local)).set_up()


def as_superuser(local: System, program: str, *arguments: str | Path) -> None:
    """Runs pg_dump or pg_restore as the guide says."""
    assert local.postgres is not None
    server = urlsplit(local.postgres.url)
    environment = {
        **os.environ,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGUSER": "postgres",
        "PGPASSWORD": server.password or "",
    }
    subprocess.run([binaries() / program, *arguments], env=environment, check=True, timeout=120)


def back_up(local: System, kept: Path) -> None:
    """As `make backup` does for each service, but while everything runs."""
    as_superuser(local, "pg_dump", "--format=custom", "--create", f"--file={kept}", "stagedoor_events")


def restore(local: System, kept: Path) -> None:
    """Step by step what docs/operations.md says."""
    events = local.processes["events"]
    events.stop()
    how = ("--dbname=postgres", "--create", "--clean", "--if-exists", "--exit-on-error")
    as_superuser(local, "pg_restore", *how, kept)
    tell(local, "events", "restored")
    events.environment = {**events.environment, "DATA_EPOCH": "1"}
    events.start()
    events.wait_ready(time.monotonic() + 60)
    for name in READERS:
        tell(local, name, "reread")
    local.processes["payments"].stop()  # it reads whenever it starts
    local.processes["payments"].start()
    local.processes["payments"].wait_ready(time.monotonic() + 60)


def tell(local: System, service: str, action: str) -> None:
    command = [sys.executable, "-m", "chassis.restoring", action]
    environment = {**os.environ, "DATABASE_URL": local.database_urls[service]}
    subprocess.run(command, env=environment, check=True, timeout=60)


def test_yesterdays_events_and_todays_orders_live_on_together(local: System, stage: Stage, tmp_path: Path) -> None:
    old = stage.on_sale({"Seat": {"type": "paid", "price": 20, "quantity": 10}})
    buyer = stage.person("bea")
    before = stage.paid_order(buyer, old, Seat=2)
    stage.has_pdfs(buyer, before)
    name = old.organizer.get(f"/v1/events/{old.id}")["data"]["attributes"]["name"]
    kept = tmp_path / "events.dump"
    back_up(local, kept)

    old.organizer.change(f"/v1/events/{old.id}", "event", old.id, {"name": "Renamed after the backup"})
    old.organizer.change(f"/v1/tickets/{old.tickets['Seat']}", "ticket", old.tickets["Seat"], {"quantity": 12})
    new = stage.on_sale({"Seat": {"type": "paid", "price": 30, "quantity": 5}})
    after = stage.paid_order(buyer, old, Seat=1)
    lost = stage.paid_order(buyer, new, Seat=1)
    for order in (after, lost):
        stage.has_pdfs(buyer, order)
    eventually(lambda: copies(stage, int(old.id)) == {("Renamed after the backup", 0)}, what="the new name in orders")

    restore(local, kept)

    eventually(lambda: copies(stage, int(old.id)) == {(name, 1)}, within_seconds=90, what="yesterday's name everywhere")
    capacity = "SELECT capacity FROM stock WHERE ticket_id = %s"
    eventually(
        lambda: stage.rows("orders", capacity, int(old.tickets["Seat"])) == [{"capacity": 10}],
        within_seconds=90,
        what="yesterday's capacity",
    )
    again = stage.paid_order(buyer, old, Seat=1)
    attendees = stage.has_pdfs(buyer, again)
    pdf = buyer.send("GET", f"/v1/orders/attendees/{attendees[0]['id']}.pdf")
    assert name in text_of_pdf(pdf.content)

    # What was sold of an event that its owner no longer knows is there for its buyer, and can be given back.
    assert stage.status(buyer, lost) == "completed"
    stage.admin.change(f"/v1/orders/{number(lost)}", "order", lost["id"], {"status": "cancelled"})
    eventually(lambda: len(stage.stripe_books(lost)["refunds"]) == 1, what="the refund")

    # An event made now gets nobody's id: what belongs to the lost one never shows at the new one.
    newest = stage.on_sale({"Seat": {"type": "paid", "price": 5, "quantity": 3}})
    assert int(newest.id) > int(new.id)
    assert int(newest.tickets["Seat"]) > int(new.tickets["Seat"])
    stage.has_pdfs(buyer, stage.paid_order(buyer, newest, Seat=3))

    for event in (old, new, newest):
        eventually(partial(is_right, local, int(event.id)), within_seconds=60, what=f"calm after event {event.id}")


def copies(stage: Stage, event_id: int) -> set[tuple[str, int]]:
    """Names and epochs of this event in orders, accounts and tickets."""
    statements = {
        "orders": "SELECT name, epoch FROM replica_events WHERE id = %s",
        "accounts": "SELECT name, epoch FROM events WHERE id = %s",
    }
    found = {
        (row["name"], row["epoch"])
        for service, statement in statements.items()
        for row in stage.rows(service, statement, event_id)
    }
    for row in stage.rows("tickets", "SELECT state, epoch FROM events WHERE id = %s", event_id):
        found.add((EventState.FromString(row["state"]).name, row["epoch"]))
    return found


def is_right(local: System, event_id: int) -> bool:
    """Whether the independent checker finds nothing wrong with one event; what it finds is logged."""
    with Stores(local.database_urls, local.folder) as stores:
        found = check(stores.read(event_id))
    for each in found:
        log.warning("%s", each)
    return not found
