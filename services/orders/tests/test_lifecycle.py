"""The table of an order's life, and that money, seats and code uses follow it whatever happens in whichever order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.domain.lifecycle import (
    LIVE,
    MOVES,
    SEATS,
    Actor,
    Seat,
    Status,
    StatusForbidden,
    StatusImpossible,
    move_for,
)

ALLOWED: dict[Actor, dict[str, set[str]]] = {
    Actor.BUYER: {
        "initializing": {"pending", "placed", "completed", "cancelled"},
        "pending": {"placed", "completed", "cancelled"},
        "placed": {"cancelled"},
    },
    Actor.EVENT_ADMIN: {
        "initializing": {"pending", "placed", "completed", "cancelled"},
        "pending": {"placed", "completed", "cancelled"},
        "placed": {"completed", "cancelled"},
        "completed": {"cancelled"},
    },
    Actor.MONEY: {each: {"completed"} for each in ("initializing", "pending", "placed", "expired")},
    Actor.CLOCK: {"initializing": {"expired"}, "pending": {"expired"}},
    Actor.SERVER_ADMIN: {str(source): {str(each) for each in Status if each != source} for source in Status},
}


@pytest.mark.parametrize("actor", Actor)
@pytest.mark.parametrize("source", Status)
@pytest.mark.parametrize("target", Status)
def test_every_move_is_in_the_table_or_refused(actor: Any, source: Any, target: Any) -> None:
    if target in ALLOWED[actor].get(source, set()):
        assert move_for(source, target, {actor}).target is target
    else:
        with pytest.raises((StatusForbidden, StatusImpossible)):
            move_for(source, target, {actor})


@given(st.sets(st.sampled_from(Actor), min_size=1), st.sampled_from(Status), st.sampled_from(Status))
def test_more_capacities_never_allow_less(actors: Any, source: Any, target: Any) -> None:
    alone = {actor for actor in actors if target in ALLOWED[actor].get(source, set())}
    if alone:
        assert move_for(source, target, actors).actor in alone


def test_live_orders_take_seats_and_others_do_not() -> None:
    assert {status for status in Status if SEATS[status] in (Seat.HELD, Seat.SOLD)} == LIVE


def test_no_two_rows_of_an_actor_overlap() -> None:
    seen = [(move.actor, source, move.target) for move in MOVES for source in move.sources]
    assert len(seen) == len(set(seen))
