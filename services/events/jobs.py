"""What the clock starts."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import select

from chassis import clock, replicas
from chassis.db import transaction
from chassis.jobs import job
from services.events import clients, config, programme, promises
from services.events.consumers import apply_user
from services.events.models import Restriction

USERS_READ_EVERY = timedelta(days=1)
log = logging.getLogger(__name__)


@job(every_seconds=10)
def repair_restrictions() -> None:
    """Tells orders the truth about limits whose commit never came: the process died, or orders did not answer."""
    before = clock.now() - timedelta(seconds=config.current().repair_after_seconds)
    with transaction() as db:
        batches = list(db.scalars(select(Restriction.batch).distinct().where(Restriction.asked_at < before).limit(100)))
    for batch in batches:
        promises.repair(batch)
        log.info("restriction repaired", extra={"batch": batch})


@job(every_seconds=3600)
def reject_stale_proposals() -> None:
    """Pending sessions of past events become rejected."""
    while True:
        with transaction() as db:
            if not programme.reject_stale(db, clock.now()):
                return


_users_read_at: datetime | None = None


@job(every_seconds=60)
def read_users() -> None:
    """Once a day, and first after the start: every user as accounts knows it. Messages keep them up to date in between.

    Heals what a new or restored database has missed. Raises Unavailable while accounts is down: next minute.
    """
    global _users_read_at
    now = clock.now()
    if _users_read_at is not None and now - _users_read_at < USERS_READ_EVERY:
        return
    replicas.read(clients.users_after, apply_user)
    _users_read_at = now
