"""The life of an order, as one table: from where to where, by whom, under which conditions.

What a status means for the seats is `SEATS`; moving between two statuses moves the seats between those two. Everything
else that follows from a move (messages, refunds) is said in `commands`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from chassis.errors import Forbidden, Unprocessable


class Status(StrEnum):
    """Where an order stands."""

    INITIALIZING = "initializing"
    PENDING = "pending"
    PLACED = "placed"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Seat(StrEnum):
    """What an attendee row takes away from the stock. A loose attendee takes nothing."""

    NONE = "none"
    HELD = "held"
    SOLD = "sold"
    RELEASED = "released"


class Actor(StrEnum):
    """In which capacity somebody moves an order."""

    BUYER = "buyer"
    EVENT_ADMIN = "event-admin"
    SERVER_ADMIN = "server-admin"
    MONEY = "money"
    CLOCK = "clock"


class Condition(StrEnum):
    """What has to be true before the move."""

    ONLINE_MODE = "online-mode"  # the order's payment mode is an online one that the event enables
    OFFLINE_MODE = "offline-mode"
    NOTHING_TO_PAY = "nothing-to-pay"
    FORMS_FILLED = "forms-filled"  # attendees, and billing where the event wants it
    NO_CHARGE_IN_FLIGHT = "no-charge-in-flight"  # and an open attempt is closed at the provider first


I, P, L, C, E, X = Status  # noqa: E741 (columns of the table below: initializing, pending, pLaced, completed, expired, X)
LIVE = frozenset({I, P, L, C})
UNPAID = frozenset({I, P})
SETTLED = frozenset({L, C})  # what counts as sold, paid or to be paid
EDITABLE_BY_BUYER = frozenset({I, P})
SEATS: Mapping[Status, Seat] = {
    I: Seat.HELD,
    P: Seat.HELD,
    L: Seat.HELD,
    C: Seat.SOLD,
    E: Seat.RELEASED,
    X: Seat.RELEASED,
}

ONLINE_MODES = frozenset({"stripe", "paypal"})
OFFLINE_MODES = frozenset({"bank", "cheque", "onsite", "invoice"})
MODES = frozenset({"free"}) | ONLINE_MODES | OFFLINE_MODES


@dataclass(frozen=True)
class Move:
    """One row of the table."""

    sources: frozenset[Status]
    target: Status
    actor: Actor
    conditions: frozenset[Condition]


def _move(sources: Collection[Status], target: Status, actor: Actor, *conditions: Condition) -> Move:
    return Move(frozenset(sources), target, actor, frozenset(conditions))


_FORMS, _CLOSED = Condition.FORMS_FILLED, Condition.NO_CHARGE_IN_FLIGHT
MOVES: tuple[Move, ...] = (
    _move({I}, P, Actor.BUYER, Condition.ONLINE_MODE, _FORMS),
    _move({I, P}, L, Actor.BUYER, Condition.OFFLINE_MODE, _FORMS, _CLOSED),
    _move({I, P}, C, Actor.BUYER, Condition.NOTHING_TO_PAY, _FORMS, _CLOSED),
    _move({I, P, L}, X, Actor.BUYER, _CLOSED),
    _move({I}, P, Actor.EVENT_ADMIN),
    _move({I, P}, L, Actor.EVENT_ADMIN, _CLOSED),
    _move({I, P, L}, C, Actor.EVENT_ADMIN, _CLOSED),
    _move({I, P, L, C}, X, Actor.EVENT_ADMIN, _CLOSED),
    *(_move(set(Status) - {target}, target, Actor.SERVER_ADMIN, _CLOSED) for target in Status),
    _move({I, P, L, E}, C, Actor.MONEY),
    _move({I, P}, E, Actor.CLOCK, _CLOSED),
)


class StatusForbidden(Forbidden):
    code = "status-forbidden"


class StatusImpossible(Unprocessable):
    code = "status-impossible"


def move_for(source: Status, target: Status, actors: Collection[Actor]) -> Move:
    """The row that lets one of these actors move the order, with the fewest conditions.

    Raises StatusForbidden (403) when nobody of that kind ever sets `target`, StatusImpossible (422) when it is only not
    possible from here.
    """
    of_actors = [move for move in MOVES if move.target is target and move.actor in actors]
    possible = [move for move in of_actors if source in move.sources]
    pointer = {"pointer": "/data/attributes/status"}
    if possible:
        return min(possible, key=lambda move: len(move.conditions))
    if not of_actors:
        raise StatusForbidden(f"You may not set an order to {target}.", source=pointer)
    raise StatusImpossible(
        f"An order that is {source} cannot become {target}.", source=pointer, meta={"status": source}
    )


def actors_of(*, is_buyer: bool, runs_event: bool, is_admin: bool) -> frozenset[Actor]:
    """The capacities of one caller."""
    held = {Actor.BUYER: is_buyer, Actor.EVENT_ADMIN: runs_event, Actor.SERVER_ADMIN: is_admin}
    return frozenset(actor for actor, holds in held.items() if holds)
