"""What the clock starts."""

from sqlalchemy import delete, select

from chassis import clock, replicas
from chassis.db import transaction
from chassis.jobs import job
from services.tickets import clients, commands, erasing, figures, queries, stored
from services.tickets.models import DoomedFile, Fill

FILES_PER_STEP = 100


@job(every_seconds=60)
def remove_doomed_files() -> None:
    """Deletes stored files that nothing leads to any more: first the file, then the row, so that none is forgotten."""
    while True:
        with transaction() as db:
            due = select(DoomedFile.key).where(DoomedFile.due_at <= clock.now()).limit(FILES_PER_STEP)
            keys = db.execute(due).scalars().all()
        for key in keys:
            stored.storage().delete(key)
        with transaction() as db:
            db.execute(delete(DoomedFile).where(DoomedFile.key.in_(keys)))
        if len(keys) < FILES_PER_STEP:
            return


@job(every_seconds=15)
def measure() -> None:
    """Counts what waits, so that somebody notices when it grows."""
    with transaction() as db:
        figures.orders_due.set(queries.count_due(db))


@job(every_seconds=30)
def fill_replicas() -> None:
    """A new or rebuilt service reads what its neighbours have."""
    replicas.fill(
        Fill,
        {
            "event": (clients.events_after, commands.keep_event),
            "event-role": (clients.event_roles_after, commands.keep_role),
            "user": (clients.users_after, erasing.keep_user),
        },
    )
