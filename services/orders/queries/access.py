"""Who somebody is in an event, and which rows a caller may see."""

from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, any_, bindparam, exists, func, or_, select, union
from sqlalchemy.orm import Session

from chassis import clock
from chassis.auth import Claims
from chassis.db import run, transaction
from chassis.errors import NotFound, Unavailable
from services.orders import clients
from services.orders.commands import replicas
from services.orders.domain import policy
from services.orders.domain.policy import Operation, Relation
from services.orders.models import Attendee, Event, EventRole, Order, Ticket, User
from services.orders.queries import orders


def event_id_of(key: str) -> int:
    """The number of the event that a path names by number or identifier; unknown ones are asked of events.

    Raises NotFound when events says that there is none, Unavailable when it does not answer. Opens its own transaction.
    """
    with transaction() as db:
        found = _event_id(db, key)
    if found is None:
        found = _ask_for_event(key)
    return found


def roles_in(event_id: int, claims: Claims) -> frozenset[str]:
    """The caller's roles in the event; unknown ones are asked of events. Opens its own transaction."""
    if claims.is_admin:
        return frozenset()
    with transaction() as db:
        known = known_roles(db, event_id, claims.user_id)
    if known is not None:
        return known
    role = clients.get_event_role(event_id, claims.user_id)
    if role.id:
        run(lambda db: replicas.store_event_role(db, role, asked_at=clock.now()))
    return frozenset(role.roles)


def known_roles(db: Session, event_id: int, user_id: int) -> frozenset[str] | None:
    """The roles that the replica knows; None: it knows nothing of this user in this event."""
    found = db.execute(_ROLES, {"event": event_id, "user": user_id}).scalars().all()
    return frozenset(role for roles in found for role in roles) if found else None


_ROLES = select(EventRole.roles).where(EventRole.event_id == bindparam("event"), EventRole.user_id == bindparam("user"))


def relations_to_event(event_id: int, claims: Claims) -> frozenset[Relation]:
    """What the caller is to an event. Opens its own transaction."""
    return policy.relations(roles=roles_in(event_id, claims), is_server_admin=claims.is_admin)


def find(db: Session, key: str, claims: Claims, *, lock: bool = False) -> tuple[Order, frozenset[Relation]]:
    """An order, and what the caller is to it by what we know here. Raises NotFound."""
    order, roles = orders.find_with_roles(db, key, claims.user_id, lock=lock)
    return order, relations_to_order(db, order, claims, roles)


def relations_of(db: Session, order: Order, claims: Claims) -> frozenset[Relation]:
    """What the caller is to an order, by what we know here."""
    roles = known_roles(db, order.event_id, claims.user_id) or frozenset()
    return relations_to_order(db, order, claims, roles)


def relations_to_order(db: Session, order: Order, claims: Claims, roles: frozenset[str]) -> frozenset[Relation]:
    """What the caller is to an order. Whether a buyer also holds a ticket of it changes nothing, and is not asked."""
    is_buyer = order.user_id == claims.user_id
    is_asked = claims.is_verified and not is_buyer and not claims.is_admin
    return policy.relations(
        is_buyer=is_buyer,
        is_holder=is_asked and _is_holder(db, order, claims),
        roles=roles,
        is_server_admin=claims.is_admin,
    )


def _is_holder(db: Session, order: Order, claims: Claims) -> bool:
    return bool(db.execute(select(exists().where(Attendee.order_id == order.id, _has_address(claims)))).scalar())


def require_in_event(operation: Operation, event_id: int, claims: Claims) -> None:
    """Raises Forbidden when the caller may not do this in the event. Opens its own transaction."""
    policy.require(operation, relations_to_event(event_id, claims))


def event_of_ticket(ticket_id: int) -> int:
    """The event of a ticket type. Raises NotFound. Opens its own transaction."""
    with transaction() as db:
        found = db.execute(select(Ticket.event_id).where(Ticket.id == ticket_id)).scalar()
    if found is not None:
        return int(found)
    ticket = clients.get_ticket(ticket_id)
    if ticket is None:
        raise NotFound("There is no such ticket.")
    run(lambda db: replicas.store_ticket(db, ticket))
    return ticket.event_id


# Which rows a caller may see, as criteria: for lists, single resources, includes, filters and sorting alike.


def events_run_by(claims: Claims) -> Select[int]:
    """Events where the caller is co-organizer or higher."""
    return _events_with_role(claims, policy.ROLES_OF_ADMINS)


def events_at_whose_door(claims: Claims) -> Select[int]:
    """Events where the caller checks people in, or more."""
    return _events_with_role(claims, policy.ROLES_AT_THE_DOOR)


def orders_of_caller(claims: Claims | None) -> ColumnElement[bool] | bool:
    """Bought by the caller, of an event that the caller runs, or with an attendee at the caller's verified address."""
    if claims is None:
        return False
    if claims.is_admin:
        return True
    seen = [Order.user_id == claims.user_id, Order.event_id.in_(events_run_by(claims))]
    if claims.is_verified:
        seen.append(Order.id.in_(_orders_attended(claims.email)))
    return or_(*seen)


def holds_buyer_level(claims: Claims) -> ColumnElement[bool]:
    """Orders whose billing and payment the caller may see."""
    return or_(Order.user_id == claims.user_id, Order.event_id.in_(events_run_by(claims)))


def orders_of_user(user_id: int, email: str) -> ColumnElement[bool]:
    """Bought by the user or, with a verified address, attended by it (RULES 9).

    Both halves come from an index; an OR would read the whole table.
    """
    if not email:
        return Order.user_id == user_id
    bought = select(Order.id).where(Order.user_id == user_id)
    return _one_of(Order.id, union(bought, _orders_attended(email)))


def attendees_of_user(user_id: int, email: str) -> ColumnElement[bool]:
    """In an order, and known to be the user, by number or by a verified address."""
    in_order = and_(Attendee.order_id.is_not(None), Attendee.deleted_at.is_(None))
    known = select(Attendee.id).where(Attendee.user_id == user_id, in_order)
    if not email:
        return _one_of(Attendee.id, known)
    named = select(Attendee.id).where(func.lower(Attendee.email) == email.lower(), in_order)
    return _one_of(Attendee.id, union(known, named))


def attendees_of_caller(claims: Claims | None) -> ColumnElement[bool] | bool:
    """Own loose ones, those of own orders, those of events at whose door the caller stands, and the caller himself."""
    if claims is None:
        return False
    if claims.is_admin:
        return True
    own_orders = select(Order.id).where(Order.user_id == claims.user_id)
    seen = [
        and_(Attendee.creator_id == claims.user_id, Attendee.order_id.is_(None)),
        Attendee.order_id.in_(own_orders),
        and_(Attendee.order_id.is_not(None), Attendee.event_id.in_(events_at_whose_door(claims))),
        Attendee.event_id.in_(events_run_by(claims)),
    ]
    if claims.is_verified:
        seen.append(and_(Attendee.order_id.is_not(None), _has_address(claims)))
    return or_(*seen)


def users_of_caller(claims: Claims | None) -> ColumnElement[bool] | bool:
    """The caller, and the buyers and attendees of events that the caller runs."""
    if claims is None:
        return False
    if claims.is_admin:
        return True
    buyers = select(Order.user_id).where(Order.event_id.in_(events_run_by(claims)))
    holders = select(Attendee.user_id).where(
        Attendee.event_id.in_(events_at_whose_door(claims)),
        Attendee.order_id.is_not(None),
        Attendee.user_id.is_not(None),
    )
    return or_(User.id == claims.user_id, User.id.in_(buyers), User.id.in_(holders))


def codes_of_caller(claims: Claims | None) -> ColumnElement[bool] | bool:
    """Codes are shown through an order's relation only, which has its own level."""
    return claims is not None


def address_of_user(db: Session, user_id: int, claims: Claims) -> str:
    """The verified address of a user, lower case; empty when it is not verified or not known."""
    if user_id == claims.user_id:
        return claims.email.lower() if claims.is_verified else ""
    found = db.execute(select(User.email).where(User.id == user_id, User.is_verified, User.is_deleted.is_(False)))
    return (found.scalar() or "").lower()


def is_verified_by_now(db: Session, user_id: int) -> bool:
    """Whether the replica knows the user's address as verified; a token may be older than that."""
    return bool(db.execute(select(User.is_verified).where(User.id == user_id)).scalar())


def _one_of(column: Any, ids: Select[Any] | CompoundSelect[Any]) -> ColumnElement[bool]:
    """`IN`, but the ids are found first and then looked up by index: PostgreSQL misjudges how few they are."""
    found: ColumnElement[bool] = column == any_(func.array(ids.scalar_subquery()))
    return found


def _events_with_role(claims: Claims, roles: frozenset[str]) -> Select[int]:
    return select(EventRole.event_id).where(EventRole.user_id == claims.user_id, EventRole.roles.overlap(sorted(roles)))


def _orders_attended(email: str) -> Select[int | None]:
    return select(Attendee.order_id).where(
        func.lower(Attendee.email) == email.lower(), Attendee.order_id.is_not(None), Attendee.deleted_at.is_(None)
    )


def _has_address(claims: Claims) -> ColumnElement[bool]:
    return func.lower(Attendee.email) == claims.email.lower()


def _event_id(db: Session, key: str) -> int | None:
    if key.isascii() and key.isdigit():
        if len(key) > 18:
            raise NotFound("There is no such event.")
        return db.execute(select(Event.id).where(Event.id == int(key), Event.is_deleted.is_(False))).scalar()
    return db.execute(select(Event.id).where(Event.identifier == key, Event.is_deleted.is_(False))).scalar()


def _ask_for_event(key: str) -> int:
    try:
        event = clients.get_event(key)
    except Unavailable:
        raise Unavailable("Whether there is such an event cannot be found out right now. Please try again.") from None
    if event is None or event.deleted:
        raise NotFound("There is no such event.")
    run(lambda db: replicas.store_event(db, event))
    return event.id
