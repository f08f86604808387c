"""What the clock starts."""

from sqlalchemy import delete, select

from chassis import clock, replicas
from chassis.db import transaction
from chassis.jobs import job
from services.tickets import clients, commands, stored
from services.tickets.models import DoomedFile, EventRole

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


@job(every_seconds=60)
def fill_event_roles() -> None:
    """A replica that knows nothing yet reads what its owner knows; afterwards messages keep it."""
    with transaction() as db:
        if db.execute(select(EventRole.id).limit(1)).first() is not None:
            return
    for state in replicas.pages(clients.fetch_role_page):
        with transaction() as db:
            commands.keep_role(db, state)
