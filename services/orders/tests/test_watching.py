"""What an operator is told must be nought, and is not when something is wrong."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from chassis import clock
from chassis.db import run, transaction
from proto.accounts import accounts_pb2
from services.orders import consumers, jobs
from services.orders.models import Attendee
from services.orders.tests.fair import change


def figures() -> tuple[float, float]:
    jobs.count_what_must_be_nought()
    return jobs.stuck_orders._value.get(), jobs.paid_without_ticket._value.get()


def test_an_order_whose_end_does_not_come_is_stuck_until_it_ends(order: Any) -> None:
    order()
    assert figures() == (0, 0)
    with clock.freeze(clock.now() + timedelta(hours=2)):
        assert figures() == (1, 0)
        jobs.expire_unpaid_orders()
        assert figures() == (0, 0)


def test_a_completed_order_without_tickets_is_seen_after_ten_minutes(order: Any) -> None:
    identifier = order()["attributes"]["identifier"]
    change(identifier, status="completed", completed_at=clock.now())
    with transaction() as db:
        db.connection().exec_driver_sql("UPDATE attendees SET seat = 'sold'")
    assert figures() == (0, 0)
    with clock.freeze(clock.now() + timedelta(minutes=11)):
        assert figures() == (0, 2)


def test_a_holder_who_was_erased_waits_for_no_ticket(order: Any) -> None:
    identifier = order({"id": 1, "quantity": 2})["attributes"]["identifier"]
    change(identifier, status="completed", completed_at=clock.now())
    with transaction() as db:
        sql = "UPDATE attendees SET seat = 'sold', user_id = 1, pdf_url = 'https://x/1.pdf', pdf_version = 1"
        db.connection().exec_driver_sql(sql)
    erased = accounts_pb2.User(id=1, epoch=2**40, version=1, deleted=True, erased=True)
    run(lambda session: consumers.store_user(session, accounts_pb2.UserChanged(user=erased)))
    with transaction() as db:
        assert set(db.scalars(select(Attendee.pdf_url))) == {None}
    with clock.freeze(clock.now() + timedelta(minutes=11)):
        assert figures() == (0, 0)


def oversold() -> float:
    jobs.compare_counters_with_rows()
    return float(jobs.oversold_seats._value.get())


@pytest.mark.parametrize(
    ("mistake", "seats"),
    [
        ("UPDATE stock SET held = held - 1 WHERE ticket_id = 1", 1),
        ("UPDATE stock SET sold = sold + 3 WHERE ticket_id = 1", 3),
        ("UPDATE attendees SET seat = 'sold'", 4),  # two seats too many are held, and two too few sold
        ("UPDATE stock SET capacity = 1 WHERE ticket_id = 1", 1),  # both sides agree, on more than there is
        ("DELETE FROM stock WHERE ticket_id = 1", 2),
    ],
)
def test_each_mistake_in_the_ledger_is_seen(order: Any, mistake: str, seats: int) -> None:
    order()
    assert oversold() == 0
    with transaction() as db:
        db.connection().exec_driver_sql(mistake)
    assert oversold() == seats
