"""What the clock starts."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from chassis import clock, replicas
from chassis.db import transaction
from chassis.jobs import job
from services.tickets import clients, commands, figures, queries, stored
from services.tickets.models import DoomedFile, Fill

FILES_PER_STEP = 100
Fetch = Callable[[int, int], list[Any]]
Keep = Callable[[Session, Any], object]


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
    """Reads from their owners the replicas that were never filled; messages keep them up to date from then on.

    The queue exists before this process runs jobs, so no change is missed in between. Raises Unavailable while the
    owner is down: next time.
    """
    with transaction() as db:
        filled = set(db.execute(select(Fill.kind)).scalars())
    for kind, (fetch, keep) in REPLICAS.items():
        if kind not in filled:
            _fill(kind, fetch, keep)


def _fill(kind: str, fetch: Fetch, keep: Keep) -> None:
    for state in replicas.pages(fetch):
        with transaction() as db:
            keep(db, state)
    with transaction() as db:
        db.merge(Fill(kind=kind, filled_at=clock.now()))


REPLICAS: Mapping[str, tuple[Fetch, Keep]] = {
    "event": (clients.fetch_event_page, commands.keep_event),
    "event-role": (clients.fetch_role_page, commands.keep_role),
    "user": (clients.fetch_user_page, commands.keep_user),
}
