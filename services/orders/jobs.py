"""What the clock starts."""

import logging
from datetime import datetime, timedelta

from prometheus_client import Gauge
from sqlalchemy import select

from chassis import clock
from chassis.db import run, transaction
from chassis.errors import DomainError, Unavailable
from chassis.jobs import job
from chassis.replicas import fill
from services.orders import clients
from services.orders.commands import ending, paying, replicas
from services.orders.domain.stock import revision
from services.orders.models import Fill, Stock, Ticket
from services.orders.queries import orders as queries
from services.orders.queries import watching

log = logging.getLogger(__name__)

BATCH = 200
LOOSE_FOR = timedelta(minutes=60)  # longer than the longest order expiry
oversold_seats = Gauge(
    "oversold_seats", "Seats where the ledger's counters and the attendee rows differ, or exceed capacity"
)

stuck_orders = Gauge("stuck_orders", "Unpaid orders that should have ended ten minutes ago and hold their seats still")
paid_without_ticket = Gauge(
    "paid_without_ticket", "Attendees of completed orders who wait for a ticket since ten minutes"
)


@job(every_seconds=10)
def expire_unpaid_orders() -> None:
    """Seats of orders that nobody paid in time return. An attempt at a provider is closed first; if it was paid, it wins."""
    while True:
        with transaction() as db:
            due = queries.due(db, clock.now(), BATCH)
        ended = sum(expire_order(identifier, attempted_at) for identifier, attempted_at in due)
        if len(due) < BATCH or not ended:
            return


def expire_order(identifier: str, closed: datetime | None) -> bool:
    """One order, in its own transaction; whether it came to an end. Payments being down leaves it for the next run.

    `closed` is when its last attempt began, which payments is asked to close first.
    """
    try:
        if closed is not None:
            state = clients.close_attempt(identifier)
            if state.status == "captured":
                run(lambda db: paying.receive(db, state, now=clock.now()))
                return True
        return run(lambda db: ending.expire(db, identifier, closed=closed, now=clock.now()))
    except Unavailable as error:
        log.warning("an order cannot expire yet", extra={"order": identifier, "error": error.detail})
    except DomainError as error:
        log.warning("an order cannot expire", extra={"order": identifier, "error": error.detail})
    return False


@job(every_seconds=300)
def delete_loose_attendees() -> None:
    """Attendees that never got an order are forgotten."""
    while run(lambda db: ending.delete_loose_attendees(db, older_than=LOOSE_FOR, now=clock.now())):
        pass


@job(every_seconds=60)
def compare_counters_with_rows() -> None:
    """The ledger's counters must be what the attendee rows say; a difference is a mistake of ours."""
    with transaction() as db:
        drift = queries.drift(db)
    oversold_seats.set(
        sum(
            max(abs(row["held"] - row["held_rows"]) + abs(row["sold"] - row["sold_rows"]), _beyond_capacity(row))
            for row in drift
        )
    )
    for row in drift:
        log.error("ledger and rows differ", extra={"stock": row})


@job(every_seconds=60)
def count_what_must_be_nought() -> None:
    """Orders whose end never came, and buyers who paid and wait for their tickets."""
    with transaction() as db:
        stuck_orders.set(watching.stuck_orders(db, clock.now()))
        paid_without_ticket.set(watching.paid_without_ticket(db, clock.now()))


@job(every_seconds=60)
def loosen_what_a_crash_left_tight() -> None:
    """Where events asked to tighten and then did not (it died in between), the ledger goes back to what events says."""
    with transaction() as db:
        tight = db.execute(
            select(Stock.ticket_id, Stock.version, Ticket.epoch, Ticket.version)
            .join(Ticket, Ticket.id == Stock.ticket_id)
            .where(Stock.version > Ticket.epoch * 2**40 + Ticket.version)
            .limit(BATCH)
        ).all()
    for ticket_id, version, _epoch, _version in tight:
        ticket = clients.get_ticket(ticket_id)
        if ticket is not None and revision(ticket.epoch, ticket.version) < version and _is_old(ticket_id, version):
            log.warning("a tightening was never committed", extra={"ticket": ticket_id})
            run(lambda db, ticket=ticket, version=version: replicas.reset_capacity(db, ticket, version))  # type: ignore[misc]


@job(every_seconds=10)
def fill_replicas() -> None:
    """A new or rebuilt service reads what its neighbours have."""
    fill(
        Fill,
        {
            "events": (clients.events_after, replicas.store_event),
            "tickets": (clients.tickets_after, replicas.store_ticket_and_capacity),
            "discount_codes": (clients.discount_codes_after, replicas.store_code),
            "event_roles": (clients.event_roles_after, replicas.store_event_role),
            "users": (clients.users_after, replicas.store_user),
        },
    )


_seen_tight: dict[int, tuple[int, float]] = {}


def _is_old(ticket_id: int, version: int) -> bool:
    """Whether this very tightening was seen a run ago already: events may just be about to commit it."""
    now = clock.now().timestamp()
    seen_version, seen_at = _seen_tight.get(ticket_id, (0, now))
    if seen_version != version:
        _seen_tight[ticket_id] = (version, now)
        return False
    return now - seen_at >= 50


def _beyond_capacity(row: dict[str, int]) -> int:
    return max(0, row["held"] + row["sold"] - row["capacity"])
