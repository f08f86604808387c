"""What the clock starts: settling what nobody knows, carrying out refunds, comparing the books with the providers'."""

import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from prometheus_client import Gauge
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from chassis import clock, db, replicas
from chassis.errors import DomainError, Unavailable
from chassis.jobs import job
from services.payments import calls, linking, queries
from services.payments.clients import events
from services.payments.commands import authorizations, comparing, roles
from services.payments.models.payments import Payment
from services.payments.models.provider_events import ProviderEvent
from services.payments.models.refunds import Refund

log = logging.getLogger(__name__)

BATCH = 50
EVENTS_KEPT = timedelta(days=90)
LATE = timedelta(hours=1)
FAILURES_SHOWN = timedelta(days=7)  # whoever pays the person back another way cannot tell us
ROLES_READ_EVERY = timedelta(days=1)

unmatched_payments = Gauge("unmatched_payments", "Charges and refunds on which a provider and our ledger disagree")
unknown_payments = Gauge("unknown_payments", "Attempts of which nobody knows yet how they ended")
refunds_waiting = Gauge("refunds_waiting", "Refunds that have not been carried out yet")
refunds_late = Gauge("refunds_late", "Refunds that were decided an hour ago and that no provider has taken")
refunds_failed = Gauge(
    "refunds_failed", "Refunds of the last week that a provider finally refused and no later one made up for"
)

_roles_read_at: datetime | None = None
_unmatched: dict[str, int] = {}  # by account, when it was last compared


@job(every_seconds=10)
def settle_attempts() -> None:
    """Asks the providers about every attempt that is due: unknown ones after seconds, open ones ever less often."""
    _each(queries.due_attempts, calls.reconcile)


@job(every_seconds=5)
def carry_out_refunds() -> None:
    """Tries every refund that is due."""
    _each(queries.due_refunds, calls.refund)


@job(every_seconds=30)
def measure() -> None:
    """What an operator should see."""
    with db.transaction() as session:
        unknown_payments.set(_count(session, Payment, Payment.status == "unknown"))
        refunds_waiting.set(_count(session, Refund, Refund.status == "pending"))
        refunds_late.set(_count(session, Refund, queries.is_late(clock.now() - LATE)))
        refunds_failed.set(_count(session, Refund, queries.is_still_owed(clock.now() - FAILURES_SHOWN)))


@job(every_seconds=3600)
def compare_books() -> None:
    """Holds the providers' lists of the last two days against our ledger. Money that we missed is booked and told.

    Raises Unavailable when one of our own accounts did not show its books: its figure is an old one.
    """
    global _unmatched
    found = comparing.compare(clock.now() - timedelta(days=2))
    _unmatched = {account: _unmatched.get(account, 0) if count is None else count for account, count in found.items()}
    unmatched_payments.set(sum(_unmatched.values()))
    if missing := [account for account, count in found.items() if count is None and comparing.is_ours(account)]:
        raise Unavailable(f"The books of {', '.join(missing)} could not be compared.")


@job(every_seconds=3600)
def tidy_up() -> None:
    """Secrets move to the newest key and go when nothing can be refunded any more; old event ids are forgotten."""
    with db.transaction() as session:
        authorizations.reencrypt_secrets(session)
        session.execute(delete(ProviderEvent).where(ProviderEvent.received_at < clock.now() - EVENTS_KEPT))
    linking.erase_secrets()


@job(every_seconds=60)
def register_webhooks() -> None:
    """Each organizer's account tells its own endpoint; those that have none yet get one."""
    linking.register_webhooks()


@job(every_seconds=60)
def read_event_roles() -> None:
    """Once a day, and first after the start: every role as events knows it. Messages keep them up to date in between.

    Heals what a restored database has missed. Raises Unavailable while events is down: next minute.
    """
    global _roles_read_at
    if _roles_read_at is not None and clock.now() - _roles_read_at < ROLES_READ_EVERY:
        return
    replicas.read(events.event_roles_after, roles.keep_role)
    _roles_read_at = clock.now()


def run_errands() -> None:
    """What was just left to do."""
    carry_out_refunds()
    settle_attempts()


Due = Callable[[Session, datetime, int], Sequence[uuid.UUID]]


def _each(due: Due, work: Callable[[uuid.UUID], None]) -> None:
    """Does `work` for everything due, each by itself: one that fails comes again later and holds up no other."""
    with db.transaction() as session:
        found = due(session, clock.now(), BATCH)
    for each in found:
        try:
            work(each)
        except DomainError as error:
            log.warning("not settled yet", extra={"id": str(each), "code": error.code})
        except Exception:
            log.exception("settling failed", extra={"id": str(each)})


def _count(session: Session, model: type[Payment] | type[Refund], criterion: object) -> int:
    return int(session.scalar(select(func.count()).select_from(model).where(criterion)) or 0)  # type: ignore[arg-type]
