"""The door: in once, out once, and never with a code that is not the present one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

import chassis.db
from chassis import clock
from chassis.errors import Conflict, NotFound
from chassis.idempotency import answers
from chassis.messages import to_stamp
from chassis.testing import Client
from proto.accounts.accounts_pb2 import User, UserChanged
from proto.orders.orders_pb2 import AttendeeChanged, OrderCancelled
from proto.tickets.tickets_pb2 import ScanRequest, TicketScanned
from services.tickets import consumers, pages
from services.tickets.domain.door import AlreadyCheckedIn, NotCheckedIn, Passage, admit
from services.tickets.domain.qr import Code
from services.tickets.grpc_server import TicketsServicer
from services.tickets.tests.arranged import (
    EVENT_ID,
    IDENTIFIER,
    Published,
    attendee,
    give_role,
    hear,
    order,
    pay,
    ticket,
)

NINE = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TEN = NINE + timedelta(hours=1)
REGISTRAR, OUTSIDER = 70, 71


def at(*moments: datetime) -> list[Timestamp]:
    return [to_stamp(moment) for moment in moments]


def scan(**request: Any) -> Any:
    return TicketsServicer().Scan(ScanRequest(attendee_id=101, door="North", scanned_by=REGISTRAR, **request))


def times(stamps: Any) -> list[datetime]:
    return [each.ToDatetime(tzinfo=UTC) for each in stamps]


# The rule


def test_in_and_out_take_turns() -> None:
    day = [Passage(NINE, "in"), Passage(TEN, "out"), Passage(TEN + timedelta(minutes=5), "in")]
    assert admit([], day) == day


def test_a_second_entry_is_refused_with_time_and_door_of_the_first() -> None:
    with pytest.raises(AlreadyCheckedIn) as refusal:
        admit([Passage(NINE, "in", "North")], [Passage(TEN, "in", "South")])
    assert refusal.value.meta == {"at": "2026-11-24T09:00:00Z", "door": "North"}


def test_nobody_leaves_who_never_came() -> None:
    with pytest.raises(NotCheckedIn):
        admit([], [Passage(NINE, "out")])


def test_who_came_in_yesterday_and_went_home_unseen_comes_in_again() -> None:
    yesterday, today = Passage(NINE - timedelta(days=1), "in", "North"), Passage(NINE, "in", "South")
    assert admit([yesterday], [today]) == [today]
    with pytest.raises(AlreadyCheckedIn) as refusal:
        admit([yesterday, today], [Passage(TEN, "in", "North")])
    assert refusal.value.meta == {"at": "2026-11-24T09:00:00Z", "door": "South"}


def test_a_night_is_one_day_at_the_door_in_the_zone_of_the_event() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    evening = datetime(2026, 11, 24, 23, 0, tzinfo=tokyo)
    with pytest.raises(AlreadyCheckedIn):
        admit([Passage(evening, "in")], [Passage(evening + timedelta(hours=5), "in")], zone=tokyo)
    left = Passage(evening + timedelta(hours=7), "out")  # six in the morning, which is another day
    assert admit([Passage(evening, "in")], [left], zone=tokyo) == [left]
    with pytest.raises(NotCheckedIn):
        admit([Passage(evening, "in"), left], [Passage(evening + timedelta(hours=8), "out")], zone=tokyo)


def test_a_day_that_is_told_late_opens_no_other_day_again() -> None:
    today, yesterday = Passage(NINE, "in"), Passage(NINE - timedelta(days=1), "in")
    assert admit([today], [yesterday]) == [yesterday]
    with pytest.raises(AlreadyCheckedIn):
        admit([today, yesterday], [Passage(TEN, "in")])


def test_clocks_that_differ_keep_nobody_out() -> None:
    """The second door's clock is behind that of the first: whoever left by it has left."""
    day = [Passage(NINE, "in", "fast clock"), Passage(NINE - timedelta(seconds=20), "out", "slow clock")]
    assert admit(day[:1], day[1:]) == day[1:]
    back = Passage(TEN, "in", "fast clock")
    assert admit(day, [back]) == [back]


def test_a_door_without_a_network_tells_later_what_fits_in_between() -> None:
    morning = [Passage(NINE, "in", "cellar"), Passage(NINE + timedelta(minutes=30), "out", "cellar")]
    told = [Passage(TEN, "in", "North")]
    assert admit(told, morning) == morning
    with pytest.raises(AlreadyCheckedIn) as refusal:
        admit([*told, *morning], [Passage(TEN + timedelta(hours=1), "in")])
    assert refusal.value.meta["door"] == "North"


def test_what_a_door_tells_later_and_does_not_fit_is_refused() -> None:
    told = [Passage(TEN, "in", "North")]
    with pytest.raises(AlreadyCheckedIn):
        admit(told, [Passage(NINE, "in", "cellar")])
    with pytest.raises(NotCheckedIn):
        admit(told, [Passage(NINE, "out", "cellar")])


@given(st.lists(st.tuples(st.integers(min_value=0, max_value=200), st.booleans()), max_size=8))
def test_whatever_is_told_nobody_is_inside_twice_on_one_day(told: list[tuple[int, bool]]) -> None:
    known: list[Passage] = []
    for minute, is_entry in told:
        try:
            known += admit(known, [Passage(NINE + timedelta(minutes=minute), "in" if is_entry else "out")])
        except Conflict:
            continue
        assert sum(1 if each.kind == "in" else -1 for each in known) in (0, 1)


@given(st.lists(st.booleans(), max_size=6), st.integers(min_value=0, max_value=6))
def test_telling_the_same_again_adds_nothing(steps: list[bool], known: int) -> None:
    day = [Passage(NINE + timedelta(minutes=n), "in" if n % 2 == 0 else "out") for n in range(len(steps))]
    assert admit(day, day[:known], is_told_again=True) == []


# As orders asks


@pytest.fixture
def paid(app: Any) -> None:
    pay()


def test_orders_learns_all_times_and_hears_of_it(paid: Any, published: Published) -> None:
    reply = scan(checkin_times=at(NINE))
    assert times(reply.checkin_times) == [NINE]
    reply = scan(checkout_times=at(TEN))
    assert times(reply.checkin_times) == [NINE]
    assert times(reply.checkout_times) == [TEN]
    assert [said.version for said in published(TicketScanned)] == [1, 2]


def test_a_repeated_call_is_answered_the_same(paid: Any, published: Published) -> None:
    assert scan(checkin_times=at(NINE)) == scan(checkin_times=at(NINE))
    assert len(published(TicketScanned)) == 1


def test_a_double_entry_changes_nothing(paid: Any, published: Published) -> None:
    scan(checkin_times=at(NINE))
    with pytest.raises(AlreadyCheckedIn):
        scan(checkin_times=at(TEN))
    assert len(published(TicketScanned)) == 1


def test_the_second_day_of_an_event_begins_in_its_own_zone(paid: Any) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first, second = (datetime(2026, 11, day, hour, 30, tzinfo=berlin) for day, hour in ((24, 9), (25, 5)))
    scan(checkin_times=at(first))
    with pytest.raises(AlreadyCheckedIn):
        scan(checkin_times=at(datetime(2026, 11, 25, 4, 30, tzinfo=berlin)))
    assert times(scan(checkin_times=at(second)).checkin_times) == [first, second]


def test_a_door_whose_clock_is_behind_keeps_nobody_out(paid: Any) -> None:
    scan(checkin_times=at(NINE))
    scan(checkout_times=at(NINE - timedelta(seconds=20)))
    assert times(scan(checkin_times=at(TEN)).checkin_times) == [NINE, TEN]


def test_a_cancelled_order_gets_nobody_in(paid: Any) -> None:
    hear(consumers.void_cancelled, OrderCancelled(order=order(version=5)))
    with pytest.raises(Conflict) as refusal:
        scan(checkin_times=at(NINE))
    assert refusal.value.code == "ticket-revoked"


def test_an_attendee_without_a_ticket_is_unknown(app: Any) -> None:
    with pytest.raises(NotFound):
        scan(checkin_times=at(NINE))


# As scanner apps ask


def code_of(attendee_id: int, **changes: int) -> str:
    row = ticket(attendee_id)
    facts = {"event_id": EVENT_ID, "attendee_id": attendee_id, "serial": row.serial, "issue": row.issue, **changes}
    return pages.desk().keys.sign(Code(**facts))


@pytest.fixture
def door(paid: Any, client: Client) -> Any:
    give_role(REGISTRAR, "registrar")
    give_role(OUTSIDER)

    def pass_through(code: str, user_id: int = REGISTRAR, headers: dict[str, str] | None = None, **more: str) -> Any:
        body = {"code": code, "door": "North", **more}
        return client.as_user(user_id).post("/v1/tickets/scan", json=body, headers=headers)

    return pass_through


def test_a_registrar_lets_somebody_in(door: Any) -> None:
    with clock.freeze(NINE):
        answer = door(code_of(101))
    assert answer.status_code == 200
    assert answer.json()["name"] == "Anna Doe"
    assert answer.json()["checkin-times"] == ["2026-11-24T09:00:00Z"]


def test_a_second_scan_is_refused_with_time_and_door(door: Any) -> None:
    with clock.freeze(NINE):
        door(code_of(101))
    with clock.freeze(TEN):
        answer = door(code_of(101), door="South")
    assert answer.status_code == 409
    (error,) = answer.json()["errors"]
    assert error["code"] == "already-checked-in"
    assert error["meta"] == {"at": "2026-11-24T09:00:00Z", "door": "North"}


def test_two_doors_in_the_same_moment_let_one_in(door: Any) -> None:
    code = code_of(101)
    with clock.freeze(NINE):
        answers = [door(code).status_code, door(code, door="South").status_code]
    assert answers == [200, 409]


def test_out_and_in_again_is_fine(door: Any) -> None:
    with clock.freeze(NINE):
        door(code_of(101))
    with clock.freeze(TEN):
        assert door(code_of(101), action="check-out").json()["checkout-times"] == ["2026-11-24T10:00:00Z"]
    assert door(code_of(101)).status_code == 200


def test_a_repeat_with_the_same_key_is_the_same_answer(door: Any) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = door(code_of(101), headers=headers)
    again = door(code_of(101), headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())


def test_what_the_door_was_told_of_an_erased_person_is_forgotten(door: Any) -> None:
    hear(consumers.keep_user, UserChanged(user=User(id=51, version=1, email="anna@example.com", is_verified=True)))
    door(code_of(101), headers={"Idempotency-Key": "k1"})
    hear(consumers.keep_user, UserChanged(user=User(id=51, version=2, deleted=True, erased=True)))
    with chassis.db.transaction() as db:
        assert db.scalar(select(func.count()).select_from(answers)) == 0
    assert ticket(101).holder_name == ""


def test_a_forged_code_gets_nobody_in(door: Any) -> None:
    answer = door(code_of(101)[:-2] + "xx")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "ticket-forged"


def test_the_code_of_the_former_holder_gets_nobody_in(door: Any) -> None:
    old = code_of(101)
    change = AttendeeChanged(order_identifier=IDENTIFIER, version=4, attendee=attendee(101, "Carl", "carl@example.com"))
    hear(consumers.change_holder, change)
    answer = door(old)
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "ticket-superseded"
    assert door(code_of(101)).status_code == 200


def test_a_revoked_ticket_gets_nobody_in(door: Any) -> None:
    code = code_of(101)
    hear(consumers.void_cancelled, OrderCancelled(order=order(version=5)))
    assert door(code).json()["errors"][0]["code"] == "ticket-revoked"


def test_only_the_events_own_people_scan(door: Any, published: Published) -> None:
    assert door(code_of(101), user_id=OUTSIDER).status_code == 403
    assert published(TicketScanned) == []


def test_a_server_admin_may_scan(paid: Any, client: Client) -> None:
    body = {"code": code_of(101)}
    assert client.as_user(99, role="admin").post("/v1/tickets/scan", json=body).status_code == 200


def test_a_door_that_cannot_be_written_down_lets_nobody_in(door: Any, published: Published) -> None:
    assert door(code_of(101), door="North\x00").status_code in (400, 422)
    assert published(TicketScanned) == []


def test_nobody_scans_without_a_login(client: Client) -> None:
    assert client.post("/v1/tickets/scan", json={"code": "x"}).status_code == 401
