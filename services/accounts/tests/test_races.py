"""Two at once: each test fails when the guard that it is about is taken away (tried, see docs/accounts.md)."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from chassis.db import run, transaction
from proto.events import events_pb2
from services.accounts import config, consumers, keys, queries, start
from services.accounts.commands import sessions
from services.accounts.models import RefreshToken, SigningKey, User
from services.accounts.tests import people
from services.accounts.tests.people import PASSWORD

AT_ONCE = 6


def at_once(work: Callable[[int], Any], count: int = AT_ONCE) -> list[Any]:
    """What `work` answers, called in that many threads that start together."""
    gate = threading.Barrier(count)

    def wait_and_work(number: int) -> Any:
        gate.wait(10)
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(wait_and_work, range(count)))


def test_one_address_signs_up_once(client: Any, db: Any) -> None:
    def sign_up(number: int) -> int:
        email = ("ann@example.com", "ANN@example.com")[number % 2]
        body = {"data": {"type": "user", "attributes": {"email": email, "password": PASSWORD}}}
        status: int = client.post("/v1/users", json=body).status_code
        return status

    assert sorted(at_once(sign_up)) == [201] + [409] * (AT_ONCE - 1)
    assert db.scalar(sa.select(sa.func.count()).select_from(User)) == 1
    assert len(people.mails("verify-email")) == 1


def test_one_refresh_token_has_one_successor(client: Any, db: Any) -> None:
    ann = people.somebody(client)
    for _ in range(3):
        answers = at_once(lambda _: client.with_token(ann.refresh_token, "JWT").post("/v1/auth/token/refresh"))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert db.scalar(sa.select(sa.func.count()).select_from(RefreshToken)) == 2


def test_a_reset_token_is_used_once(client: Any) -> None:
    people.sign_up(client)
    client.post("/v1/auth/reset-password", json={"data": {"email": "ann@example.com"}})
    token = people.mailed_token("reset-password")

    def reset(number: int) -> int:
        body = {"data": {"token": token, "password": f"new-password-{number}"}}
        status: int = client.patch("/v1/auth/reset-password", json=body).status_code
        return status

    statuses = at_once(reset)
    assert sorted(statuses) == [200] + [404] * (AT_ONCE - 1)
    winner = statuses.index(200)
    assert people.log_in(client, password=f"new-password-{winner}").status_code == 200
    assert len(people.mails("password-changed")) == 1


def test_attempts_at_once_do_not_slip_through_the_limit(client: Any) -> None:
    people.sign_up(client)
    for _ in range(8):
        people.log_in(client, password="wrong-horse")
    answers = at_once(lambda _: people.log_in(client, password="wrong-horse").status_code)
    assert sorted(answers) == [401, 401] + [429] * (AT_ONCE - 2)


def test_processes_that_start_together_make_one_key_and_one_super_admin(db: Any) -> None:
    given = config.current()
    config.configure(replace(given, super_admin_email="root@example.com", super_admin_password=PASSWORD))

    def begin(_: int) -> str:
        start.make_first_super_admin()
        with transaction() as session:
            signer = keys.signer(session)
        assert signer is not None
        return signer.key_id

    try:
        assert len(set(at_once(begin))) == 1
    finally:
        config.configure(given)
    assert db.scalar(sa.select(sa.func.count()).select_from(SigningKey)) == 1
    assert db.scalars(sa.select(User.email)).all() == ["root@example.com"]


def test_no_login_slips_past_a_block_that_is_under_way(client: Any) -> None:
    ann = people.somebody(client)
    with ThreadPoolExecutor(1) as other:
        with transaction() as blocking:
            user = queries.lock_user(blocking, ann.id)
            assert user is not None
            user.is_blocked = True
            sessions.end_sessions(blocking, ann.id)
            blocking.flush()
            login = other.submit(people.log_in, client)
            time.sleep(0.3)  # the password has been found right by now; what follows has to wait for the block
            assert not login.done()
        assert login.result(10).status_code == 401


def test_two_teams_that_are_heard_of_at_once_both_count(client: Any, db: Any) -> None:
    ann = people.somebody(client)

    def join(session: Any, event_id: int, role: str) -> None:
        consumers.keep_event_role(
            session, events_pb2.EventRole(id=event_id, version=1, event_id=event_id, user_id=ann.id, roles=[role])
        )

    with ThreadPoolExecutor(1) as other:
        with transaction() as first:
            join(first, 5, "owner")
            second = other.submit(run, lambda session: join(session, 6, "registrar"))
            time.sleep(0.3)  # it has seen by now what there is, and waits for the user
            assert not second.done()
        second.result(10)
    user = db.get(User, ann.id, populate_existing=True)
    assert sorted(user.team_roles) == ["owner", "registrar"]
