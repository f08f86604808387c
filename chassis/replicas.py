"""Other services' resources, kept up to date by their messages.

A replica row carries the owner's (epoch, version); what is not newer is ignored, so messages may come late, twice or out of
order. Deletion leaves a tombstone. After a restore the owner's epoch rises, and its state wins over what was known before.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import BigInteger, Boolean, DateTime, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from chassis import clock, metrics
from chassis.db import run, transaction

PAGE = 500
UNKEEPABLE = (DataError, IntegrityError, ValueError)  # what a value does, and no repetition heals
log = logging.getLogger(__name__)
Fetch = Callable[[int, int], list[Any]]  # (after_id, limit): asks the owner's Snapshot RPC
Keep = Callable[[Session, Any], object]  # writes what a state says, unless something newer is known


class Replica:
    """Columns of every replica table. `id` is the owner's id, never drawn here."""

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    is_deleted: Mapped[bool] = mapped_column(Boolean, default=False)


class ReplicaFill:
    """Columns of a table that says which kinds have been read from their owners as a whole. A service adds `kind`, the key."""

    __tablename__ = "replica_fills"

    kind: Mapped[str]
    filled_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Versioned(Protocol):
    """A protobuf message that says full state."""

    id: int
    epoch: int
    version: int


R = TypeVar("R", bound=Replica)


def apply(db: Session, model: type[R], state: Versioned, values: Mapping[str, Any]) -> bool:
    """Writes `values` for this aggregate unless what we have is as new or newer. Whether it was written."""
    row = {
        "id": state.id,
        "epoch": state.epoch,
        "version": state.version,
        "is_deleted": bool(getattr(state, "deleted", False)),
        **values,
    }
    table: Any = model
    statement = insert(table).values(row)
    upsert = statement.on_conflict_do_update(
        index_elements=["id"],
        set_={name: statement.excluded[name] for name in row if name != "id"},
        where=tuple_(table.epoch, table.version) < tuple_(statement.excluded.epoch, statement.excluded.version),
    ).returning(table.id)
    return db.execute(upsert).scalar() is not None


def fill(fills: type[ReplicaFill], kinds: Mapping[str, tuple[Fetch, Keep]]) -> None:
    """Reads the kinds that were never read; messages keep them up to date from then on. Deleting a row has its kind read anew.

    Queues exist before a process runs jobs, so no change is missed in between. Raises Unavailable while an owner is down:
    the job comes again.
    """
    with transaction() as db:
        filled = set(db.scalars(select(fills.kind)))
    for kind, (fetch, keep) in kinds.items():
        if kind not in filled:
            read(fetch, keep)
            run(partial(_remember, fills, kind))


def read(fetch: Fetch, keep: Keep) -> None:
    """Everything that the owner has of a kind. What it says meanwhile is newer and wins.

    What cannot be kept is passed over, logged and counted: the others must not wait for it.
    """
    for page in _pages(fetch):
        try:
            run(partial(_keep_page, page, keep))
        except UNKEEPABLE:
            for state in page:
                _keep_alone(state, keep)


def _pages(fetch: Fetch) -> Iterator[list[Any]]:
    after = 0
    while page := fetch(after, PAGE):
        yield page
        after = page[-1].id


def _keep_alone(state: Any, keep: Keep) -> None:
    try:
        run(partial(_keep_page, [state], keep))
    except UNKEEPABLE as error:
        kind = state.DESCRIPTOR.full_name
        metrics.replica_rows_refused.labels(kind).inc()
        told = {"type": kind, "id": state.id, "error": type(error).__name__}
        log.error("a replica cannot be kept", extra=told)  # noqa: TRY400 (a trace would say whose values they are)


def _keep_page(page: list[Any], keep: Keep, db: Session) -> None:
    for state in page:
        keep(db, state)


def _remember(fills: type[ReplicaFill], kind: str, db: Session) -> None:
    table: Any = fills
    db.merge(table(kind=kind, filled_at=clock.now()))
