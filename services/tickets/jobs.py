"""What the clock starts."""

from sqlalchemy import delete, func, select

from chassis import clock, replicas
from chassis.db import transaction
from chassis.jobs import job
from chassis.mail import mail
from services.tickets import clients, commands, figures, queries, stored
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


@job(every_seconds=15)
def measure() -> None:
    """Counts what waits, so that somebody notices when it grows."""
    with transaction() as db:
        figures.orders_due.set(queries.count_due(db))
        waiting = select(func.count()).select_from(mail).where(mail.c.status == "queued")
        figures.mails_waiting.set(db.scalar(waiting) or 0)


@job(every_seconds=60)
def fill_event_roles() -> None:
    """A replica that knows nothing yet reads what its owner knows; afterwards messages keep it."""
    with transaction() as db:
        if db.execute(select(EventRole.id).limit(1)).first() is not None:
            return
    for state in replicas.pages(clients.fetch_role_page):
        with transaction() as db:
            commands.keep_role(db, state)
