"""Two at once, on real threads against PostgreSQL. Each test was seen to fail with its guard taken out; the docstring
names the guard."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from chassis import clock
from chassis import db as chassis_db
from chassis.testing import Client
from proto.orders import orders_pb2
from services.orders import jobs
from services.orders.models import Stock
from services.orders.queries import orders as queries
from services.orders.tests.fair import change, patch, seat_rows, seats, status_of, stored, uses
from services.orders.tests.test_orders import attendee_body, order_body


@pytest.fixture
def at_once(app: Any) -> Callable[..., list[Any]]:
    """Runs functions of a client, each on its own thread and as its own user, all released together."""

    def run(*works: Callable[[Client], Any], users: list[int] | None = None) -> list[Any]:
        barrier = threading.Barrier(len(works))
        clients = [Client(app).as_user(user) for user in users or range(1, len(works) + 1)]

        def work(number: int) -> Any:
            barrier.wait(10)
            return works[number](clients[number])

        with ThreadPoolExecutor(len(works)) as pool:
            return list(pool.map(work, range(len(works))))

    return run


@pytest.fixture
def payable(order: Any, buyer: Any, bank: Any) -> tuple[str, Any]:
    """An order that is to be paid by Stripe, and its resource."""
    placed = order({"id": 1, "quantity": 2})
    identifier = placed["attributes"]["identifier"]
    assert buyer.patch(f"/v1/orders/{identifier}", json=patch(placed, payment_mode="stripe")).status_code == 200
    return identifier, placed


def buy(*tickets: dict[str, Any], **cart: Any) -> Callable[[Client], Any]:
    return lambda client: client.post("/v1/orders/create-order", json={"tickets": list(tickets), **cart})


def charge(identifier: str) -> Callable[[Client], Any]:
    body = {"data": {"type": "charge", "attributes": {"stripe": "tok_visa"}}}
    return lambda client: client.post(f"/v1/orders/{identifier}/charge", json=body)


def test_the_last_seat_is_sold_once(at_once: Any, fair: Any) -> None:
    """Guard: `held + sold + n <= capacity` in the one statement that takes seats."""
    fair.limit(1, 1)
    answers = at_once(*[buy({"id": 1})] * 8)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert seats() == seat_rows() == {1: (1, 0)}


def test_the_last_use_of_a_code_is_taken_once(at_once: Any, fair: Any) -> None:
    """Guard: `used + n <= use_limit` in the one statement that takes uses."""
    fair.offer_code(uses=1)
    answers = at_once(*[buy({"id": 1}, **{"discount-code": "9"})] * 6)
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 5
    assert uses() == 1
    assert seats() == seat_rows() == {1: (1, 0)}


def test_carts_in_opposite_order_do_not_deadlock(at_once: Any, fair: Any) -> None:
    """Nobody is refused for the order of the lines in a cart."""
    forward, backward = buy({"id": 1}, {"id": 2}), buy({"id": 2}, {"id": 1})
    answers = at_once(*[forward, backward] * 4)
    assert {answer.status_code for answer in answers} == {200}
    assert seats() == seat_rows() == {1: (8, 0), 2: (8, 0)}


def test_seats_are_taken_in_the_order_of_ticket_ids(order: Any, at_once: Any, fair: Any) -> None:
    """Guard: `take` sorts its wishes. A cart that waits for ticket 1 must not hold ticket 2 meanwhile."""
    order({"id": 1}, {"id": 2})
    with ThreadPoolExecutor(1) as pool, chassis_db.engine().connect() as first:
        first.execute(sa.select(Stock).where(Stock.ticket_id == 1).with_for_update())
        waiting = pool.submit(at_once, buy({"id": 2}, {"id": 1}))
        wait_until_somebody_waits()
        first.execute(sa.select(Stock).where(Stock.ticket_id == 2).with_for_update(nowait=True))
        first.rollback()
        [answer] = waiting.result()
    assert answer.status_code == 200


def wait_until_somebody_waits() -> None:
    """Until a transaction of this database waits for a lock."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with chassis_db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for _ in range(500):
            if connection.exec_driver_sql(waits).scalar():
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


def test_an_attendee_gets_into_one_order_only(at_once: Any, buyer: Any, fair: Any) -> None:
    """Guard: attendees are locked before their order is looked at."""
    attendee = buyer.post("/v1/attendees", json=attendee_body(1)).json()["data"]["id"]
    body = order_body(attendee, payment_mode="stripe")
    answers = at_once(*[lambda client: client.post("/v1/orders", json=body)] * 4, users=[1] * 4)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert seats() == seat_rows() == {1: (1, 0)}


def test_the_same_request_at_once_has_one_effect(at_once: Any, fair: Any, published: Any) -> None:
    """Guard: key and answer are stored in the transaction of the effect."""
    key = {"Idempotency-Key": "twice"}
    work: Callable[[Client], Any] = lambda client: client.post(  # noqa: E731
        "/v1/orders/create-order", json={"tickets": [{"id": 1}]}, headers=key
    )
    answers = at_once(work, work, work, users=[1, 1, 1])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(published(orders_pb2.OrderCreated)) == 1
    assert seats() == {1: (1, 0)}


def test_a_double_charge_reaches_payments_once(at_once: Any, payable: Any, bank: Any, published: Any) -> None:
    """Guard: `begin` marks the order under its lock and refuses while the mark of another call stands."""
    identifier, _ = payable
    bank.gate = threading.Event()
    threading.Timer(1.0, bank.gate.set).start()
    answers = at_once(*[charge(identifier)] * 3, users=[1, 1, 1])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.headers["retry-after"] == "2"
    assert [what for what, _ in bank.calls] == ["charge"]
    assert len(published(orders_pb2.OrderPaid)) == 1


def _while_charging(app: Any, identifier: str, bank: Any, work: Callable[[Client], Any]) -> tuple[Any, Any]:
    """What a charge answers, and what `work` answers while the charge waits for the provider."""
    bank.gate = threading.Event()
    bank.called.clear()
    with ThreadPoolExecutor(1) as pool:
        charging = pool.submit(charge(identifier), Client(app).as_user(1))
        assert bank.called.wait(10)
        try:
            meanwhile = work(Client(app).as_user(1))
        finally:
            bank.gate.set()
        return charging.result(), meanwhile


def test_cancelling_waits_while_a_charge_is_under_way(app: Any, payable: Any, bank: Any) -> None:
    """Guard: `apply` refuses while `charging_until` lies ahead."""
    identifier, placed = payable
    body = patch(placed, status="cancelled")
    bank.closing = "closed"
    charged, cancelled = _while_charging(
        app, identifier, _Ungated(bank), lambda client: client.patch(f"/v1/orders/{identifier}", json=body)
    )
    assert (charged.status_code, cancelled.status_code) == (200, 409)
    assert cancelled.json()["errors"][0]["code"] == "charge-in-progress"
    assert status_of(identifier) == "completed"
    assert seats() == seat_rows() == {1: (0, 2)}


def test_a_second_tab_with_another_mode_waits_while_a_charge_is_under_way(app: Any, payable: Any, bank: Any) -> None:
    """Guard: a change of mode closes the attempt, which waits while `charging_until` lies ahead."""
    identifier, placed = payable
    body = patch(placed, payment_mode="bank", status="placed")
    charged, other = _while_charging(
        app, identifier, _Ungated(bank), lambda client: client.patch(f"/v1/orders/{identifier}", json=body)
    )
    assert (charged.status_code, other.status_code) == (200, 409)
    assert (stored(identifier).payment_mode, status_of(identifier)) == ("stripe", "completed")


def test_expiry_waits_while_a_charge_is_under_way(app: Any, payable: Any, bank: Any) -> None:
    """Guard: `due` and `expire` pass over orders whose `charging_until` lies ahead."""
    identifier, _ = payable

    def expire(_client: Client) -> str:
        change(identifier, expires_at=clock.now() - timedelta(seconds=1))
        jobs.expire_unpaid_orders()
        jobs.expire_order(identifier, stored(identifier).attempted_at)
        return status_of(identifier)

    charged, meanwhile = _while_charging(app, identifier, _Ungated(bank), expire)
    assert (charged.status_code, meanwhile) == (200, "initializing")
    assert status_of(identifier) == "completed"
    assert seats() == seat_rows() == {1: (0, 2)}


def test_an_attempt_that_begins_while_the_old_one_is_closed_is_not_passed_over(
    payable: Any, buyer: Any, bank: Any, app: Any
) -> None:
    """Guard: `expire` compares the attempt that was closed with the one that the order has now."""
    identifier, _ = payable
    buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
    closed = stored(identifier).attempted_at
    buyer.post(f"/v1/orders/{identifier}/charge", json={"data": {"type": "charge"}})
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        assert jobs.expire_order(identifier, closed) is False
        assert status_of(identifier) == "initializing"
        jobs.expire_unpaid_orders()
    assert status_of(identifier) == "expired"


def test_a_flash_sale_sells_what_there_is(at_once: Any, fair: Any, db: Any) -> None:
    """Sixty buyers, twenty seats: twenty orders, no failure of ours, counters as the rows say."""
    fair.limit(1, 20)
    answers = [answer for _ in range(3) for answer in at_once(*[buy({"id": 1})] * 20)]
    assert sorted(answer.status_code for answer in answers) == [200] * 20 + [409] * 40
    assert seats() == seat_rows() == {1: (20, 0)}
    assert queries.drift(db) == []
    jobs.compare_counters_with_rows()
    assert jobs.oversold_seats._value.get() == 0


class _Ungated:
    """The bank whose gate holds charges only, not what others ask meanwhile."""

    def __init__(self, bank: Any) -> None:
        object.__setattr__(self, "bank", bank)
        note = bank._note

        def hold_charges(what: str, identifier: str) -> None:
            if what == "charge":
                note(what, identifier)
            else:
                bank.calls.append((what, identifier))

        bank._note = hold_charges

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bank, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.bank, name, value)
