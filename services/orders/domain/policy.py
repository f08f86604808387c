"""Who may do what to orders and attendees: one table (RULES 2, 5–10, 19, 26), asked by every entrance.

A caller stands in relations to an order or attendee; an operation is allowed to some relations. The generated test in
`tests/test_policy.py` drives every operation as every relation through HTTP and compares with this table.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from chassis.errors import DomainError, Forbidden, NotFound

ROLES_OF_ADMINS = frozenset({"owner", "organizer", "coorganizer"})
ROLES_AT_THE_DOOR = ROLES_OF_ADMINS | {"registrar"}


class Relation(StrEnum):
    """What a caller is to an order (or to a loose attendee, whose creator counts as its buyer)."""

    USER = "user"  # logged in, nothing else
    HOLDER = "holder"  # an attendee of the order has the caller's verified address
    BUYER = "buyer"
    REGISTRAR = "registrar"
    EVENT_ADMIN = "event-admin"  # co-organizer and up
    SERVER_ADMIN = "server-admin"


class Operation(StrEnum):
    """What can be asked for."""

    LIST_ALL_ORDERS = "list all orders"
    LIST_EVENT_ORDERS = "list the orders of an event"
    CREATE_ORDER = "create an order"
    SET_OWN_TERMS = "give an order its own amount and status"
    VIEW_ORDER = "view an order"
    EDIT_ORDER = "change what buyers may change"
    SET_STATUS = "set the status"
    EDIT_EVERYTHING = "change every attribute"
    DELETE_ORDER = "delete an order"
    CHARGE_ORDER = "charge or verify"
    REFUND_ORDER = "refund"
    RESEND_TICKETS = "send the mails again"
    LIST_EVENT_ATTENDEES = "list the attendees of an event"
    VIEW_ATTENDEE = "view an attendee"
    EDIT_ATTENDEE = "change an attendee"
    CHECK_IN = "check in"
    DELETE_ATTENDEE = "delete an attendee"
    VIEW_STATISTICS = "view order statistics"
    EXPORT_ATTENDEES = "export attendees"
    EDIT_TAGS = "change the event's attendee tags"


_USER, _HOLDER, _BUYER, _DOOR, _EVENT, _SERVER = Relation
_O = Operation
POLICY: Mapping[Operation, frozenset[Relation]] = {
    _O.LIST_ALL_ORDERS: frozenset({_SERVER}),
    _O.LIST_EVENT_ORDERS: frozenset({_EVENT, _SERVER}),
    _O.CREATE_ORDER: frozenset(Relation),
    _O.SET_OWN_TERMS: frozenset({_EVENT, _SERVER}),
    _O.VIEW_ORDER: frozenset({_HOLDER, _BUYER, _EVENT, _SERVER}),
    _O.EDIT_ORDER: frozenset({_BUYER, _SERVER}),
    _O.SET_STATUS: frozenset({_BUYER, _EVENT, _SERVER}),
    _O.EDIT_EVERYTHING: frozenset({_SERVER}),
    _O.DELETE_ORDER: frozenset({_SERVER}),
    _O.CHARGE_ORDER: frozenset({_BUYER, _EVENT, _SERVER}),
    _O.REFUND_ORDER: frozenset({_EVENT, _SERVER}),
    _O.RESEND_TICKETS: frozenset({_EVENT, _SERVER}),
    _O.LIST_EVENT_ATTENDEES: frozenset({_DOOR, _EVENT, _SERVER}),
    _O.VIEW_ATTENDEE: frozenset({_HOLDER, _BUYER, _DOOR, _EVENT, _SERVER}),
    _O.EDIT_ATTENDEE: frozenset({_BUYER, _EVENT, _SERVER}),
    _O.CHECK_IN: frozenset({_DOOR, _EVENT, _SERVER}),
    _O.DELETE_ATTENDEE: frozenset({_BUYER, _EVENT, _SERVER}),
    _O.VIEW_STATISTICS: frozenset({_EVENT, _SERVER}),
    _O.EXPORT_ATTENDEES: frozenset({_EVENT, _SERVER}),
    _O.EDIT_TAGS: frozenset({_DOOR, _EVENT, _SERVER}),
}


def relations(
    *,
    is_buyer: bool = False,
    is_holder: bool = False,
    roles: Iterable[str] = (),
    is_server_admin: bool = False,
) -> frozenset[Relation]:
    """The relations of a logged-in caller with these `roles` in the event."""
    held = set(roles)
    holds = {
        Relation.USER: True,
        Relation.HOLDER: is_holder,
        Relation.BUYER: is_buyer,
        Relation.REGISTRAR: bool(held & ROLES_AT_THE_DOOR),
        Relation.EVENT_ADMIN: bool(held & ROLES_OF_ADMINS),
        Relation.SERVER_ADMIN: is_server_admin,
    }
    return frozenset(relation for relation, is_held in holds.items() if is_held)


def levels(relations: frozenset[Relation]) -> frozenset[str]:
    """The levels of ``x-visible-to`` that these relations to an order bring."""
    is_shown = relations & {Relation.BUYER, Relation.EVENT_ADMIN, Relation.SERVER_ADMIN}
    return frozenset({"buyer"}) if is_shown else frozenset()


def may(operation: Operation, of_caller: Collection[Relation]) -> bool:
    """Whether one of the caller's relations allows the operation."""
    return not POLICY[operation].isdisjoint(of_caller)


def require(operation: Operation, of_caller: Collection[Relation], *, seen_by: Operation | None = None) -> None:
    """Raises Forbidden (403); or NotFound (404) when the caller may not even see the thing (`seen_by`)."""
    if not may(operation, of_caller):
        raise refusal(operation, of_caller, seen_by=seen_by)


def refusal(operation: Operation, of_caller: Collection[Relation], *, seen_by: Operation | None = None) -> DomainError:
    """The error that `require` raises."""
    if seen_by is not None and not may(seen_by, of_caller):
        return NotFound("There is nothing here that you may see.")
    return Forbidden(f"You may not {operation.value}.", code="not-allowed", meta={"operation": operation.name.lower()})
