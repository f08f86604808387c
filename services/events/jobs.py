"""What the clock starts."""

import logging
from datetime import timedelta

from sqlalchemy import distinct, select

from chassis import clock
from chassis.db import transaction
from chassis.jobs import job
from chassis.replicas import pages
from proto.accounts.accounts_pb2 import UserChanged
from services.events import clients, config, programme, promises
from services.events.consumers import apply_user
from services.events.models import Restriction, User

log = logging.getLogger(__name__)


@job(every_seconds=10)
def repair_restrictions() -> None:
    """Tells orders the truth about limits whose commit never came: the process died, or orders did not answer."""
    before = clock.now() - timedelta(seconds=config.current().repair_after_seconds)
    with transaction() as db:
        batches = list(db.scalars(select(distinct(Restriction.batch)).where(Restriction.asked_at < before).limit(100)))
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


@job(every_seconds=60)
def fill_users() -> None:
    """A new or rebuilt replica of users reads accounts' snapshot; the queue was bound before."""
    with transaction() as db:
        if db.scalars(select(User.id).limit(1)).first() is not None:
            return
    for user in pages(clients.users_after):
        with transaction() as db:
            apply_user(db, UserChanged(user=user))
