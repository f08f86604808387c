"""Orders and attendees: how they are found and locked. Lock order: order, attendees by id, stock, codes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, String, any_, bindparam, func, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from chassis.errors import NotFound
from services.orders.domain.lifecycle import LIVE, Seat
from services.orders.models import Attendee, Event, EventRole, Order, OrderLine, Refund, User


def named(key: str) -> ColumnElement[bool] | None:
    """The criterion of the order that a path calls so: number or identifier; None when no order can be called so."""
    if _is_number(key):
        return Order.id == int(key) if len(key) <= 18 else None
    return Order.identifier == key if "\x00" not in key else None


def find(db: Session, key: str, *, lock: bool = False, with_deleted: bool = False) -> Order:
    """The order, whoever asks; locked on wish. Raises NotFound."""
    order: Order = _found(db, key, _finding(is_number=_is_number(key), lock=lock, with_deleted=with_deleted), {})[0]
    return order


def find_with_roles(db: Session, key: str, user_id: int, *, lock: bool = False) -> tuple[Order, frozenset[str]]:
    """The order, and the roles in its event that we know the user to have: one question for both. Raises NotFound."""
    statement = _finding(is_number=_is_number(key), lock=lock, with_roles=True)
    order, roles = _found(db, key, statement, {"user": user_id})
    return order, frozenset(roles)


def _found(db: Session, key: str, statement: Select[Any], values: Mapping[str, int]) -> Sequence[Any]:
    row = None
    if named(key) is not None:
        row = db.execute(statement, {"key": int(key) if _is_number(key) else key, **values}).first()
    if row is None:
        raise NotFound("There is no such order.")
    return row


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdigit()


def _roles_in(event_id: Any) -> ColumnElement[Any]:
    """The roles of the user (a parameter) in this event, none where we know nothing."""
    roles = select(func.unnest(EventRole.roles)).where(
        EventRole.event_id == event_id, EventRole.user_id == bindparam("user")
    )
    found: ColumnElement[Any] = func.array(roles.scalar_subquery(), type_=ARRAY(String))
    return found


@cache  # a statement that is built once is also analysed once: half of what an ORM read costs
def _finding(*, is_number: bool, lock: bool, with_deleted: bool = False, with_roles: bool = False) -> Select[Any]:
    statement: Select[Any] = select(Order, _roles_in(Order.event_id)) if with_roles else select(Order)
    statement = statement.where((Order.id if is_number else Order.identifier) == bindparam("key"))
    if not with_deleted:
        statement = statement.where(Order.deleted_at.is_(None))
    if lock:
        statement = statement.with_for_update(of=Order).execution_options(populate_existing=True)
    return statement


def attendees_of(db: Session, order_id: int) -> Sequence[Attendee]:
    """The attendees of an order that still come, in the order of their ids."""
    return db.execute(_ATTENDEES, {"order": order_id}).scalars().all()


def event_of(db: Session, order: Order) -> Event | None:
    """What we know of the order's event."""
    return db.execute(_EVENT, {"event": order.event_id}).scalar()


def event_and_buyer(db: Session, order: Order) -> tuple[Event | None, User | None]:
    """What we know of the order's event and of who bought it."""
    event, buyer = db.execute(_EVENT_AND_BUYER, {"order": order.id}).one()
    return event, buyer


def lines_of(db: Session, order_id: int) -> Sequence[OrderLine]:
    """The priced lines of an order."""
    return db.execute(_LINES, {"order": order_id}).scalars().all()


def attendees_by_id(db: Session, ids: Sequence[int], *, lock: bool = False) -> Sequence[Attendee]:
    """These attendees, locked in the order of their ids on wish."""
    return db.execute(_LOCKED_ATTENDEES if lock else _NAMED_ATTENDEES, {"ids": list(ids)}).scalars().all()


_ATTENDEES = (
    select(Attendee)
    .where(Attendee.order_id == bindparam("order"), Attendee.deleted_at.is_(None))
    .order_by(Attendee.id)
    .execution_options(populate_existing=True)
)
_EVENT = select(Event).where(Event.id == bindparam("event"))
_EVENT_AND_BUYER = (
    select(Event, User)
    .select_from(Order)
    .outerjoin(Event, Event.id == Order.event_id)
    .outerjoin(User, User.id == Order.user_id)
    .where(Order.id == bindparam("order"))
)
_LINES = select(OrderLine).where(OrderLine.order_id == bindparam("order")).order_by(OrderLine.id)
_NAMED_ATTENDEES = (
    select(Attendee)
    .where(Attendee.id == any_(bindparam("ids", type_=ARRAY(BigInteger))), Attendee.deleted_at.is_(None))
    .order_by(Attendee.id)
)
_LOCKED_ATTENDEES = _NAMED_ATTENDEES.with_for_update().execution_options(populate_existing=True)


def lock_attendee_with_roles(db: Session, attendee_id: int, user_id: int) -> tuple[Attendee, frozenset[str]]:
    """The attendee, locked, and the roles in the event that we know the user to have. Raises NotFound."""
    row = db.execute(_LOCKED_ATTENDEE, {"attendee": attendee_id, "user": user_id}).first()
    if row is None:
        raise NotFound("There is no such attendee.")
    return row[0], frozenset(row[1])


_LOCKED_ATTENDEE = (
    select(Attendee, _roles_in(Attendee.event_id))
    .where(Attendee.id == bindparam("attendee"), Attendee.deleted_at.is_(None))
    .with_for_update(of=Attendee)
    .execution_options(populate_existing=True)
)


def lock_order_of_attendee(db: Session, attendee_id: int) -> Order | None:
    """The order that an attendee is in, locked; None for a loose one, and for one that is not there."""
    order: Order | None = db.execute(_ORDER_OF_ATTENDEE, {"attendee": attendee_id}).scalar()
    return order


_ORDER_OF_ATTENDEE = (
    select(Order)
    .where(Order.id == select(Attendee.order_id).where(Attendee.id == bindparam("attendee")).scalar_subquery())
    .with_for_update(of=Order)
    .execution_options(populate_existing=True)
)


def count_loose(db: Session, creator_id: int) -> int:
    """How many attendees without an order this user has. Serialized per user, so that two requests cannot both be the 50th."""
    db.execute(text("SELECT pg_advisory_xact_lock(11, :user)"), {"user": creator_id % 2**31})
    statement = select(func.count()).where(
        Attendee.creator_id == creator_id, Attendee.order_id.is_(None), Attendee.deleted_at.is_(None)
    )
    return db.execute(statement).scalar_one()


class Due(NamedTuple):
    """An unpaid order whose time is over."""

    expires_at: datetime
    id: int
    identifier: str
    attempted_at: datetime | None


def due(db: Session, now: datetime, limit: int, *, is_attempted: bool, after: Due | None) -> Sequence[Due]:
    """Unpaid orders whose time is over and that nobody is charging, oldest first, behind `after`.

    `is_attempted`: those that somebody began to pay, or those that nobody did.
    """
    statement = select(Order.expires_at, Order.id, Order.identifier, Order.attempted_at).where(
        Order.status.in_(("initializing", "pending")),
        Order.expires_at <= now,
        or_(Order.charging_until.is_(None), Order.charging_until < now),
        Order.attempted_at.is_not(None) if is_attempted else Order.attempted_at.is_(None),
    )
    if after is not None:
        statement = statement.where(tuple_(Order.expires_at, Order.id) > (after.expires_at, after.id))
    return [Due._make(row) for row in db.execute(statement.order_by(Order.expires_at, Order.id).limit(limit))]


def refund_by_key(db: Session, refund_key: str) -> Refund | None:
    """The decision with this key, locked."""
    return db.execute(_REFUND, {"key": refund_key}).scalar()


_REFUND = select(Refund).where(Refund.refund_key == bindparam("key")).with_for_update()


def refunds_of(db: Session, order_id: int) -> Sequence[Refund]:
    """All decisions about an order."""
    return db.execute(select(Refund).where(Refund.order_id == order_id).order_by(Refund.id)).scalars().all()


def drift(db: Session) -> list[dict[str, Any]]:
    """Where a counter is not what its rows say, or more seats are taken than there are: must be empty."""
    return [dict(row._mapping) for row in db.execute(text(_DRIFT))]


_DRIFT = """
WITH rows AS (
  SELECT ticket_id, count(*) FILTER (WHERE seat = 'held') AS held, count(*) FILTER (WHERE seat = 'sold') AS sold
  FROM attendees WHERE seat IN ('held', 'sold') GROUP BY ticket_id
)
SELECT s.ticket_id, s.capacity, s.held, s.sold, coalesce(r.held, 0) AS held_rows, coalesce(r.sold, 0) AS sold_rows
FROM stock s LEFT JOIN rows r USING (ticket_id)
WHERE s.held <> coalesce(r.held, 0) OR s.sold <> coalesce(r.sold, 0) OR s.held + s.sold > s.capacity
UNION ALL
SELECT r.ticket_id, 0, 0, 0, r.held, r.sold FROM rows r LEFT JOIN stock s USING (ticket_id) WHERE s.ticket_id IS NULL
"""


def uses_of_this_cart(db: Session, user_id: int, code_id: int, units: Mapping[int, int]) -> int:
    """How many uses of the code the caller's own live order of this cart holds; 0 without one.

    A cart fits an order that has at least as many attendees with each of its tickets (some may have been refunded).
    """
    held = func.count().filter(Attendee.is_discount_applied, Attendee.seat.in_((Seat.HELD, Seat.SOLD)))
    rows = db.execute(
        select(Order.id, Attendee.ticket_id, func.count(), held)
        .join(Attendee, Attendee.order_id == Order.id)
        .where(Order.user_id == user_id, Order.discount_code_id == code_id)
        .where(Order.status.in_([str(status) for status in LIVE]), Order.deleted_at.is_(None))
        .group_by(Order.id, Attendee.ticket_id)
    ).all()
    found: dict[int, dict[int, tuple[int, int]]] = {}
    for order_id, ticket_id, attendees, uses in rows:
        found.setdefault(order_id, {})[ticket_id] = (attendees, uses)
    fitting = [
        sum(uses for _, uses in tickets.values())
        for tickets in found.values()
        if all(tickets.get(ticket_id, (0, 0))[0] >= quantity for ticket_id, quantity in units.items())
    ]
    return max(fitting, default=0)
