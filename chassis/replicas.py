"""Other services' resources, kept up to date by their messages.

A replica row carries the owner's (epoch, version); what is not newer is ignored, so messages may come late, twice or out of
order. Deletion leaves a tombstone. After a restore the owner's epoch rises, and its state wins over what was known before.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from sqlalchemy import BigInteger, Boolean, or_, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

PAGE = 500


class Replica:
    """Columns of every replica table. `id` is the owner's id, never drawn here."""

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    is_deleted: Mapped[bool] = mapped_column(Boolean, default=False)


class Versioned(Protocol):
    """A protobuf message that says full state."""

    id: int
    epoch: int
    version: int


R = TypeVar("R", bound=Replica)
M = TypeVar("M", bound=Versioned)


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
        where=or_(tuple_(table.epoch, table.version) < tuple_(statement.excluded.epoch, statement.excluded.version)),
    ).returning(table.id)
    return db.execute(upsert).scalar() is not None


def pages(fetch: Callable[[int, int], list[M]]) -> Iterator[M]:
    """Every aggregate of an owner, page by page. `fetch(after_id, limit)` asks the owner's Snapshot RPC."""
    after = 0
    while page := fetch(after, PAGE):
        yield from page
        after = page[-1].id
