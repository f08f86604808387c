"""What the clock starts."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from prometheus_client import Gauge
from sqlalchemy import select

from chassis import clock
from chassis.db import run, transaction
from chassis.errors import DomainError, Unavailable
from chassis.jobs import job
from chassis.replicas import fill
from services.orders import clients, closing
from services.orders.commands import ending, replicas
from services.orders.domain.stock import EPOCH_BITS, revision
from services.orders.models import Fill, Stock, Ticket
from services.orders.queries import orders as queries
from services.orders.queries import watching

log = logging.getLogger(__name__)

BATCH = 200
ASKED = 20  # orders whose attempts are closed before those that nobody has to be asked about have their turn again
# How long an order outlasts its time while its attempt cannot be closed: longer than a restart or a hiccup of a provider,
# shorter than `watching.PATIENCE`. Then the seats matter more: payments closes behind us, and late money finds its way.
CLOSING_FOR = timedelta(minutes=5)
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
    """Seats of orders that nobody paid in time return. An attempt at a provider is closed first; if it was paid, it wins.

    Each order has its turn in every run, whatever becomes of the others; first those that nobody ever tried to pay.
    """
    for attempted in _due(is_attempted=True, at_once=ASKED):
        for untouched in _due(is_attempted=False, at_once=BATCH):
            for order in untouched:
                expire_order(order.identifier, None)
        for order in attempted:
            is_overdue = order.expires_at <= clock.now() - CLOSING_FOR
            expire_order(order.identifier, order.attempted_at, is_overdue=is_overdue)


def _due(*, is_attempted: bool, at_once: int) -> Iterator[Sequence[queries.Due]]:
    """Pages of orders whose time is over, at least one; each is looked for when the one before is done."""
    page: Sequence[queries.Due] = ()
    while True:
        with transaction() as db:
            last = page[-1] if page else None
            page = queries.due(db, clock.now(), at_once, is_attempted=is_attempted, after=last)
        yield page
        if len(page) < at_once:
            return


def expire_order(identifier: str, attempted_at: datetime | None, *, is_overdue: bool = False) -> bool:
    """One order, in its own transaction; whether it came to an end.

    An attempt that cannot be closed leaves it for the next run, unless it `is_overdue`. Raises nothing.
    """
    try:
        if attempted_at is not None and closing.is_paid_after_all(identifier, may_stay_open=is_overdue):
            return True
        return run(lambda db: ending.expire(db, identifier, closed=attempted_at, now=clock.now()))
    except Unavailable as error:
        log.warning("an order cannot expire yet", extra={"order": identifier, "error": error.detail})
    except DomainError as error:
        log.warning("an order cannot expire", extra={"order": identifier, "error": error.detail})
    except Exception:  # a fault of ours with one order keeps no other one's seats
        log.exception("an order cannot expire", extra={"order": identifier})
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
    oversold_seats.set(sum(max(_miscounted(row), _beyond_capacity(row)) for row in drift))
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
            select(Stock.ticket_id, Stock.version)
            .join(Ticket, Ticket.id == Stock.ticket_id)
            .where(Stock.version > Ticket.epoch * 2**EPOCH_BITS + Ticket.version)  # `revision`, in SQL
            .limit(BATCH)
        ).all()
    for ticket_id, version in tight:
        ticket = clients.get_ticket(ticket_id)
        if ticket is not None and revision(ticket.epoch, ticket.version) < version and _is_old(ticket_id, version):
            log.warning("a tightening was never committed", extra={"ticket": ticket_id})
            run(partial(replicas.reset_capacity, ticket=ticket, instead_of=version))


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


def _miscounted(row: dict[str, int]) -> int:
    return abs(row["held"] - row["held_rows"]) + abs(row["sold"] - row["sold_rows"])


def _beyond_capacity(row: dict[str, int]) -> int:
    return max(0, row["held"] + row["sold"] - row["capacity"])
