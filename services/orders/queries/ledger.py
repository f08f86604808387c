"""The only statements that change seats and code uses (DESIGN: promise 1, lock order).

A counter changes by one conditional statement, in the transaction that changes the attendee rows it counts. Taking is the
last thing before the commit, so that the rows everybody wants are locked for the time of a commit only. Tickets are taken
in the order of their ids, codes after them: two carts cannot wait for each other.

A statement that cannot take all that it should fails (`refuse` of migration 0004). So it can contain the rows that it counts,
and commit by itself: the locks are then held while the database works, and never while this process waits for its turn.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from chassis.db import execute, first, look
from chassis.errors import Conflict
from services.orders.domain.lifecycle import Seat
from services.orders.domain.stock import OfferChanged, exhausted, sold_out
from services.orders.queries.committing import Statement, array, execute_and_commit

REFUSED = "SD409"  # the SQLSTATE of `refuse`

# The offer's capacity and version are written along when they are newer; an older offer takes nothing. Each part begins when
# the one before it has ended: it counts its rows.
_TAKE = """
seats AS (
  INSERT INTO stock AS s (ticket_id, event_id, capacity, version, on_sale, held, sold)
  SELECT wish.* FROM written, unnest(%(seat_tickets)s::bigint[], %(seat_events)s::bigint[], %(seat_capacities)s::int[],
    %(seat_versions)s::bigint[], %(seat_on_sale)s::boolean[], %(seat_held)s::int[], %(seat_sold)s::int[])
    AS wish (ticket, event, capacity, version, on_sale, held, sold)
  WHERE written.count >= 0 AND wish.held + wish.sold <= wish.capacity AND wish.on_sale
  ON CONFLICT (ticket_id) DO UPDATE
  SET held = s.held + excluded.held, sold = s.sold + excluded.sold,
      capacity = excluded.capacity, version = excluded.version, on_sale = excluded.on_sale
  WHERE s.version <= excluded.version AND s.held + s.sold + excluded.held + excluded.sold <= excluded.capacity
  RETURNING ticket_id
), seated AS (
  SELECT count(*) FROM seats
), uses AS (
  INSERT INTO code_uses AS c (code_id, is_access_code, use_limit, version, is_active, used)
  SELECT wish.* FROM seated, unnest(%(use_codes)s::bigint[], %(use_is_access_code)s::boolean[], %(use_limits)s::int[],
    %(use_versions)s::bigint[], %(use_is_active)s::boolean[], %(use_counts)s::int[])
    AS wish (code, is_access_code, use_limit, version, is_active, uses)
  WHERE seated.count >= 0 AND wish.is_active AND (wish.use_limit = 0 OR wish.uses <= wish.use_limit)
  ON CONFLICT (code_id, is_access_code) DO UPDATE
  SET used = c.used + excluded.used,
      use_limit = excluded.use_limit, version = excluded.version, is_active = excluded.is_active
  WHERE c.version <= excluded.version AND (excluded.use_limit = 0 OR c.used + excluded.used <= excluded.use_limit)
  RETURNING code_id, is_access_code
)
SELECT CASE
  WHEN (SELECT count FROM seated) < cardinality(%(seat_tickets)s::bigint[]) THEN refuse('no seats for wish ' || (
    SELECT min(nth) FROM unnest(%(seat_tickets)s::bigint[]) WITH ORDINALITY AS wish (ticket, nth)
    WHERE ticket NOT IN (SELECT ticket_id FROM seats)))
  WHEN (SELECT count(*) FROM uses) < cardinality(%(use_codes)s::bigint[]) THEN refuse('no uses for wish ' || (
    SELECT min(nth) FROM unnest(%(use_codes)s::bigint[], %(use_is_access_code)s::boolean[])
      WITH ORDINALITY AS wish (code, is_access_code, nth)
    WHERE (code, is_access_code) NOT IN (SELECT code_id, is_access_code FROM uses)))
END
"""
_NO_SEATS = "no seats for wish "
_RETAKE_SEATS = """
UPDATE stock SET held = held + %(held)s, sold = sold + %(sold)s
WHERE ticket_id = %(ticket)s AND on_sale AND held + sold + %(held)s + %(sold)s <= capacity
RETURNING held
"""
_MOVE_SEATS = (
    "UPDATE stock SET held = held + %(held)s, sold = sold + %(sold)s WHERE ticket_id = %(ticket)s RETURNING held"
)
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
_MOVE_ATTENDEES = """
WITH before AS (
  SELECT id, seat FROM attendees
  WHERE order_id = %(order)s AND seat <> %(seat)s AND deleted_at IS NULL AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s))
  ORDER BY id FOR UPDATE
)
UPDATE attendees AS a SET seat = %(seat)s FROM before WHERE a.id = before.id
RETURNING a.id, a.ticket_id, before.seat, a.is_discount_applied, a.is_access_code_applied
"""


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


def taking_after(parts: Mapping[str, str]) -> Statement:
    """A statement that does `parts` (names, and INSERTs that return something) and then takes seats and code uses.

    All in one: one round trip, and everything or nothing without a transaction around it.
    """
    written = " + ".join(f"(SELECT count(*) FROM {name})" for name in parts) or "0"  # noqa: S608 (names of ours)
    before = "".join(f"{name} AS ({part}), " for name, part in parts.items())
    return Statement(f"WITH {before}written AS (SELECT {written} AS count), {_TAKE}")


_TAKE_ALONE = f"WITH written AS (SELECT 0 AS count), {_TAKE}"


def take(
    db: Session,
    seats: Sequence[SeatWish],
    codes: Sequence[CodeWish],
    seat: Seat = Seat.HELD,
    *,
    last: Statement | None = None,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Takes seats and code uses for attendee rows of this transaction: the last thing before the commit.

    With `last` (of `taking_after`, with the `values` of its parts) the transaction ends with it. Raises SoldOut, OfferChanged,
    NotOnSale, DiscountExhausted or AccessCodeExhausted; the transaction has then been rolled back, and nothing is taken.
    """
    seats = sorted(seats, key=lambda each: each.ticket_id)
    codes = sorted(codes, key=lambda each: (each.is_access_code, each.code_id))
    wanted = {**(values or {}), **_seat_values(seats, seat), **_use_values(codes)}
    try:
        if last is not None:
            execute_and_commit(db, last, wanted)
        else:
            execute(db, _TAKE_ALONE, wanted)
    except DBAPIError as error:
        diagnosis = getattr(error.orig, "diag", None)
        if diagnosis is None or diagnosis.sqlstate != REFUSED:
            raise
        db.rollback()
        said = str(diagnosis.message_primary)
        at = int(said.rpartition(" ")[2]) - 1
        raise (_no_seats(db, seats[at]) if said.startswith(_NO_SEATS) else _no_uses(db, codes[at])) from None


def _seat_values(seats: Sequence[SeatWish], seat: Seat) -> dict[str, Any]:
    counts = [_counts(seat, wish.seats) for wish in seats]
    return {
        "seat_tickets": array(wish.ticket_id for wish in seats),
        "seat_events": array(wish.event_id for wish in seats),
        "seat_capacities": array(wish.capacity for wish in seats),
        "seat_versions": array(wish.version for wish in seats),
        "seat_on_sale": array(wish.on_sale for wish in seats),
        "seat_held": array(count["held"] for count in counts),
        "seat_sold": array(count["sold"] for count in counts),
    }


def _use_values(codes: Sequence[CodeWish]) -> dict[str, Any]:
    return {
        "use_codes": array(code.code_id for code in codes),
        "use_is_access_code": array(code.is_access_code for code in codes),
        "use_limits": array(code.limit for code in codes),
        "use_versions": array(code.version for code in codes),
        "use_is_active": array(code.is_active for code in codes),
        "use_counts": array(code.uses for code in codes),
    }


def move(
    db: Session, order_id: int, codes: Codes, seat: Seat, *, attendee_ids: Iterable[int] | None = None
) -> list[int]:
    """Moves the order's attendees (or only these) to `seat`, and the counters with them; whose seats moved.

    The caller holds the order's row lock. Raises SoldOut or DiscountExhausted where released seats are not free any more.
    """
    wanted = {"order": order_id, "seat": seat, "ids": None if attendee_ids is None else list(attendee_ids)}
    rows = execute(db, _MOVE_ATTENDEES, wanted)
    for ticket_id in sorted({row.ticket_id for row in rows}):
        _move_stock(db, ticket_id, seat, [Seat(row.seat) for row in rows if row.ticket_id == ticket_id])
    _move_uses(db, codes.discount_code_id, False, seat, [row for row in rows if row.is_discount_applied])
    _move_uses(db, codes.access_code_id, True, seat, [row for row in rows if row.is_access_code_applied])
    return sorted(row.id for row in rows)


def _move_stock(db: Session, ticket_id: int, seat: Seat, before: Sequence[Seat]) -> None:
    taken_anew = sum(each in (Seat.RELEASED, Seat.NONE) for each in before)
    delta = _counts(seat, len(before))
    delta["held"] -= before.count(Seat.HELD)
    delta["sold"] -= before.count(Seat.SOLD)
    statement = _RETAKE_SEATS if taken_anew else _MOVE_SEATS
    if not execute(db, statement, {"ticket": ticket_id, **delta}):
        free = available(db, [ticket_id]).get(ticket_id, 0)
        raise sold_out("This ticket", free)


def _move_uses(db: Session, code_id: int | None, is_access_code: bool, seat: Seat, rows: Sequence[Any]) -> None:
    if code_id is None or not rows:
        return
    were_taken = sum(row.seat in (Seat.HELD, Seat.SOLD) for row in rows)
    delta = (len(rows) if seat in (Seat.HELD, Seat.SOLD) else 0) - were_taken
    values = {"code": code_id, "is_access_code": is_access_code, "uses": abs(delta)}
    if delta < 0:
        execute(db, _RETURN_USES, values)
    elif delta > 0 and not execute(db, _RETAKE_USES, values):
        raise exhausted(is_access_code, 0)


def available(db: Session, ticket_ids: Sequence[int]) -> dict[int, int]:
    """Seats left per ticket type, of those that the ledger knows."""
    rows = execute(db, _STOCK, (list(ticket_ids),))
    return {row.ticket_id: row.capacity - row.held - row.sold for row in rows}


def glance(ticket_id: int) -> int | None:
    """Seats left of a ticket type, read without a transaction, for refusing early; None where the ledger has no row."""
    for _, capacity, _, _, held, sold in look(_STOCK, ([ticket_id],)):
        return int(capacity - held - sold)
    return None


def uses_left(db: Session, code_id: int, is_access_code: bool, limit: int) -> int | None:
    """How often a code with this limit can still be used; None: as often as you like."""
    if limit == 0:
        return None
    used: int = sum(row.used for row in execute(db, _USES, (code_id, is_access_code)))
    return limit - used


def is_used_up(db: Session, code_id: int) -> bool:
    """Whether the ledger knows a discount code as used up."""
    return any(0 < row.use_limit <= row.used for row in execute(db, _USES, (code_id, False)))


def _counts(seat: Seat, seats: int) -> dict[str, int]:
    return {"held": seats if seat is Seat.HELD else 0, "sold": seats if seat is Seat.SOLD else 0}


def _no_seats(db: Session, wish: SeatWish) -> Conflict:
    row = first(db, _STOCK, ([wish.ticket_id],))
    if row is not None and row.version > wish.version:
        return OfferChanged("The offer has just changed. Please look at it again.", headers={"Retry-After": "1"})
    if not wish.on_sale:
        return NotOnSale(f"“{wish.name}” is not on sale.")
    taken = row.held + row.sold if row else 0
    return sold_out(wish.name, wish.capacity - taken)


def _no_uses(db: Session, code: CodeWish) -> Exception:
    row = first(db, _USES, (code.code_id, code.is_access_code))
    if row is not None and row.version > code.version:
        return OfferChanged("The code has just changed. Please look at it again.", headers={"Retry-After": "1"})
    return exhausted(code.is_access_code, code.limit - (row.used if row else 0))
