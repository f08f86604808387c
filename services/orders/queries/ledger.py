"""The only statements that change seats and code uses (DESIGN: promise 1, lock order).

A counter changes by one conditional statement, in the transaction that changes the attendee rows it counts. Taking is the
last thing before the commit, so that the rows everybody wants are locked for the time of a commit only. Tickets are taken
in the order of their ids, codes after them: two carts cannot wait for each other.

A statement that takes nothing fails (`refuse` of migration 0004), and what was sent after it is not done. So the commit can be
sent along: the locks are then held while the database works, and never while this process waits for its turn.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from chassis import db as chassis_db
from chassis.errors import Conflict
from services.orders.domain.lifecycle import Seat
from services.orders.domain.stock import OfferChanged, exhausted, sold_out
from services.orders.queries.pipeline import at_once

REFUSED = "SD409"  # the SQLSTATE of `refuse`

# The offer's capacity and version are written along when they are newer; an older offer takes nothing.
_TAKE_SEATS = """
WITH taken AS (
INSERT INTO stock AS s (ticket_id, event_id, capacity, version, on_sale, held, sold)
SELECT %(ticket)s, %(event)s, %(capacity)s, %(version)s, %(on_sale)s, %(held)s, %(sold)s
WHERE %(held)s + %(sold)s <= %(capacity)s AND %(on_sale)s
ON CONFLICT (ticket_id) DO UPDATE
SET held = s.held + excluded.held, sold = s.sold + excluded.sold,
    capacity = excluded.capacity, version = excluded.version, on_sale = excluded.on_sale
WHERE s.version <= excluded.version AND s.held + s.sold + excluded.held + excluded.sold <= excluded.capacity
RETURNING 1
) SELECT CASE WHEN EXISTS (SELECT FROM taken) THEN 1 ELSE refuse('these seats are not to be had') END
"""
_RETAKE_SEATS = """
UPDATE stock SET held = held + %(held)s, sold = sold + %(sold)s
WHERE ticket_id = %(ticket)s AND on_sale AND held + sold + %(held)s + %(sold)s <= capacity
RETURNING held
"""
_MOVE_SEATS = (
    "UPDATE stock SET held = held + %(held)s, sold = sold + %(sold)s WHERE ticket_id = %(ticket)s RETURNING held"
)
_TAKE_USES = """
WITH taken AS (
INSERT INTO code_uses AS c (code_id, is_access_code, use_limit, version, is_active, used)
SELECT %(code)s, %(is_access_code)s, %(limit)s, %(version)s, %(is_active)s, %(uses)s
WHERE %(is_active)s AND (%(limit)s = 0 OR %(uses)s <= %(limit)s)
ON CONFLICT (code_id, is_access_code) DO UPDATE
SET used = c.used + excluded.used,
    use_limit = excluded.use_limit, version = excluded.version, is_active = excluded.is_active
WHERE c.version <= excluded.version AND (excluded.use_limit = 0 OR c.used + excluded.used <= excluded.use_limit)
RETURNING 1
) SELECT CASE WHEN EXISTS (SELECT FROM taken) THEN 1 ELSE refuse('these uses are not to be had') END
"""
_RETAKE_USES = """
UPDATE code_uses SET used = used + %(uses)s
WHERE code_id = %(code)s AND is_access_code = %(is_access_code)s
  AND (use_limit = 0 OR used + %(uses)s <= use_limit)
RETURNING used
"""
_RETURN_USES = """
UPDATE code_uses SET used = used - %(uses)s WHERE code_id = %(code)s AND is_access_code = %(is_access_code)s
"""
_STOCK = "SELECT ticket_id, capacity, version, on_sale, held, sold FROM stock WHERE ticket_id = ANY(%s)"
_USES = "SELECT use_limit, version, used FROM code_uses WHERE code_id = %s AND is_access_code = %s"
_LOCK_ATTENDEES = """
SELECT id, ticket_id, seat, is_discount_applied, is_access_code_applied FROM attendees
WHERE order_id = %(order)s AND seat <> %(seat)s AND deleted_at IS NULL AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s))
ORDER BY id FOR UPDATE
"""


Before = Callable[[psycopg.Connection[Any]], None]


class NotOnSale(Conflict):
    code = "not-on-sale"


@dataclass(frozen=True)
class SeatWish:
    """Seats of one ticket type, with what the offer says of its capacity."""

    ticket_id: int
    event_id: int
    name: str
    seats: int
    capacity: int
    version: int
    on_sale: bool


@dataclass(frozen=True)
class CodeWish:
    """Uses of one code, with what the offer says of its limit; `limit` 0: none."""

    code_id: int
    is_access_code: bool
    uses: int
    limit: int
    version: int
    is_active: bool


@dataclass(frozen=True)
class Codes:
    """The codes that an order used."""

    discount_code_id: int | None
    access_code_id: int | None


def take(
    db: Session,
    seats: Sequence[SeatWish],
    codes: Sequence[CodeWish],
    seat: Seat = Seat.HELD,
    *,
    before: Before | None = None,
    and_commit: bool = False,
) -> None:
    """Takes seats and code uses for attendee rows of this transaction: the last thing before the commit.

    `before` sends statements along that need no answer, ahead of those of the ledger, and `and_commit` the commit after
    them. Raises SoldOut, OfferChanged, NotOnSale, DiscountExhausted or AccessCodeExhausted; the transaction has then been
    rolled back, and nothing is taken.
    """
    asked: list[tuple[SeatWish | CodeWish, psycopg.Cursor[Any]]] = []
    try:
        with at_once(db, and_commit=and_commit) as connection:
            if before is not None:
                before(connection)
            asked.extend(
                (wish, connection.execute(_TAKE_SEATS, _seat_values(wish, seat)))
                for wish in sorted(seats, key=lambda each: each.ticket_id)
            )
            asked.extend(
                (code, connection.execute(_TAKE_USES, _use_values(code)))
                for code in sorted(codes, key=lambda each: (each.is_access_code, each.code_id))
            )
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != REFUSED:
            raise
        db.rollback()
        refused = next(wish for wish, answer in asked if answer.pgresult is None)
        raise _why(db, refused) from None


def _seat_values(wish: SeatWish, seat: Seat) -> dict[str, Any]:
    return {
        "ticket": wish.ticket_id,
        "event": wish.event_id,
        "capacity": wish.capacity,
        "version": wish.version,
        "on_sale": wish.on_sale,
        **_counts(seat, wish.seats),
    }


def _use_values(code: CodeWish) -> dict[str, Any]:
    return {
        "code": code.code_id,
        "is_access_code": code.is_access_code,
        "limit": code.limit,
        "version": code.version,
        "is_active": code.is_active,
        "uses": code.uses,
    }


def move(
    db: Session, order_id: int, codes: Codes, seat: Seat, *, attendee_ids: Iterable[int] | None = None
) -> list[int]:
    """Moves the order's attendees (or only these) to `seat`, and the counters with them; whose seats moved.

    The caller holds the order's row lock. Raises SoldOut or DiscountExhausted where released seats are not free any more.
    """
    connection = db.connection()
    wanted = {"order": order_id, "seat": seat, "ids": None if attendee_ids is None else list(attendee_ids)}
    rows = connection.exec_driver_sql(_LOCK_ATTENDEES, wanted).all()
    if not rows:
        return []
    ids = [row.id for row in rows]
    connection.exec_driver_sql("UPDATE attendees SET seat = %s WHERE id = ANY(%s)", (seat, ids))
    for ticket_id in sorted({row.ticket_id for row in rows}):
        _move_stock(db, ticket_id, seat, [Seat(row.seat) for row in rows if row.ticket_id == ticket_id])
    _move_uses(db, codes.discount_code_id, False, seat, [row for row in rows if row.is_discount_applied])
    _move_uses(db, codes.access_code_id, True, seat, [row for row in rows if row.is_access_code_applied])
    return ids


def _move_stock(db: Session, ticket_id: int, seat: Seat, before: Sequence[Seat]) -> None:
    taken_anew = sum(each in (Seat.RELEASED, Seat.NONE) for each in before)
    delta = _counts(seat, len(before))
    delta["held"] -= before.count(Seat.HELD)
    delta["sold"] -= before.count(Seat.SOLD)
    statement = _RETAKE_SEATS if taken_anew else _MOVE_SEATS
    if db.connection().exec_driver_sql(statement, {"ticket": ticket_id, **delta}).first() is None:
        free = available(db, [ticket_id]).get(ticket_id, 0)
        raise sold_out("This ticket", free)


def _move_uses(db: Session, code_id: int | None, is_access_code: bool, seat: Seat, rows: Sequence[Any]) -> None:
    if code_id is None or not rows:
        return
    were_taken = sum(row.seat in (Seat.HELD, Seat.SOLD) for row in rows)
    delta = (len(rows) if seat in (Seat.HELD, Seat.SOLD) else 0) - were_taken
    values = {"code": code_id, "is_access_code": is_access_code, "uses": abs(delta)}
    if delta < 0:
        db.connection().exec_driver_sql(_RETURN_USES, values)
    elif delta > 0 and db.connection().exec_driver_sql(_RETAKE_USES, values).first() is None:
        raise exhausted(is_access_code, 0)


def available(db: Session, ticket_ids: Sequence[int]) -> dict[int, int]:
    """Seats left per ticket type, of those that the ledger knows."""
    rows = db.connection().exec_driver_sql(_STOCK, (list(ticket_ids),)).all()
    return {row.ticket_id: row.capacity - row.held - row.sold for row in rows}


def glance(ticket_id: int) -> int | None:
    """Seats left of a ticket type, read without a transaction, for refusing early; None where the ledger has no row."""
    with chassis_db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        row = connection.exec_driver_sql(_STOCK, ([ticket_id],)).first()
    return None if row is None else int(row.capacity - row.held - row.sold)


def uses_left(db: Session, code_id: int, is_access_code: bool, limit: int) -> int | None:
    """How often a code with this limit can still be used; None: as often as you like."""
    if limit == 0:
        return None
    row = db.connection().exec_driver_sql(_USES, (code_id, is_access_code)).first()
    return limit - (row.used if row else 0)


def is_used_up(db: Session, code_id: int) -> bool:
    """Whether the ledger knows a discount code as used up."""
    row = db.connection().exec_driver_sql(_USES, (code_id, False)).first()
    return row is not None and 0 < row.use_limit <= row.used


def _counts(seat: Seat, seats: int) -> dict[str, int]:
    return {"held": seats if seat is Seat.HELD else 0, "sold": seats if seat is Seat.SOLD else 0}


def _why(db: Session, refused: SeatWish | CodeWish) -> Exception:
    return _no_seats(db, refused) if isinstance(refused, SeatWish) else _no_uses(db, refused)


def _no_seats(db: Session, wish: SeatWish) -> Conflict:
    row = db.connection().exec_driver_sql(_STOCK, ([wish.ticket_id],)).first()
    if row is not None and row.version > wish.version:
        return OfferChanged("The offer has just changed. Please look at it again.", headers={"Retry-After": "1"})
    if not wish.on_sale:
        return NotOnSale(f"“{wish.name}” is not on sale.")
    taken = row.held + row.sold if row else 0
    return sold_out(wish.name, wish.capacity - taken)


def _no_uses(db: Session, code: CodeWish) -> Exception:
    row = db.connection().exec_driver_sql(_USES, (code.code_id, code.is_access_code)).first()
    if row is not None and row.version > code.version:
        return OfferChanged("The code has just changed. Please look at it again.", headers={"Retry-After": "1"})
    return exhausted(code.is_access_code, code.limit - (row.used if row else 0))
