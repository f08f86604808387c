"""Transactions: commit or nothing, retries where a retry helps, and a database that goes away."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import func, select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from chassis import clock, db, idempotency, inbox, jobs, metrics, outbox, run
from chassis.broker import BrokerDownError, Depth, Verdict
from chassis.errors import Unavailable
from chassis.log import JsonLines


def texts() -> list[str]:
    with db.transaction() as session:
        return list(session.execute(text("SELECT text FROM notes ORDER BY id")).scalars())


def pin(session: Any, words: str) -> None:
    session.execute(text("INSERT INTO notes (author, text) VALUES (1, :words)"), {"words": words})


def test_a_raise_rolls_back_and_calls_nobody(app: Any) -> None:
    called: list[str] = []

    def work() -> None:
        with db.transaction() as session:
            pin(session, "lost")
            db.on_commit(session, lambda: called.append("x"))
            raise LookupError

    with pytest.raises(LookupError):
        work()
    assert (texts(), called) == ([], [])


def test_a_failure_does_not_name_the_values_since_they_may_be_a_persons(app: Any) -> None:
    with pytest.raises(DBAPIError) as caught, db.transaction() as session:
        session.execute(text("SELECT 1 / 0, CAST(:address AS text)"), {"address": "ada@example.com"})
    assert "SELECT 1 / 0" in str(caught.value)
    assert "ada@example.com" not in str(caught.value)


ADD_PERSON = "INSERT INTO people VALUES (%(email)s, %(name)s)"


def add_by_sqlalchemy(person: dict[str, Any]) -> None:
    with db.transaction() as session:
        session.execute(text("INSERT INTO people VALUES (:email, :name)"), person)


def add_by_driver(person: dict[str, Any]) -> None:
    with db.transaction() as session:
        db.execute(session, ADD_PERSON, person)


def add_alone(person: dict[str, Any]) -> None:
    with db.alone() as driver:
        driver.execute(ADD_PERSON, person)


@pytest.fixture
def people(app: Any) -> Iterator[None]:
    with db.engine().begin() as connection:
        connection.exec_driver_sql("CREATE TABLE people (email text PRIMARY KEY, name text NOT NULL)")
        connection.exec_driver_sql("INSERT INTO people VALUES ('ada@example.com', 'Ada')")
    yield
    with db.engine().begin() as connection:
        connection.exec_driver_sql("DROP TABLE people")


@pytest.mark.parametrize("add", [add_by_sqlalchemy, add_by_driver, add_alone])
@pytest.mark.parametrize("name", ["Ada", None], ids=["a key that is taken", "a row that cannot be"])
def test_a_failure_does_not_quote_the_row_that_postgresql_quotes(
    people: None, add: Callable[[dict[str, Any]], None], name: str | None
) -> None:
    """Its DETAIL names the key, or the whole row, and failures are logged and kept with dead letters."""
    ada = {"email": "ada@example.com", "name": name}
    with pytest.raises((IntegrityError, psycopg.IntegrityError)) as raised:
        add(ada)
    record = logging.LogRecord("x", logging.ERROR, "", 1, "failed", (), (raised.type, raised.value, raised.tb))
    line = JsonLines("notes").format(record)
    told = [line, repr(raised.value), inbox.outcome_of(raised.value).reason]
    assert [words for words in told if "ada@example.com" in words] == []
    assert "violates" in line


def test_a_commit_calls_once_what_was_asked_for(app: Any) -> None:
    called: list[str] = []

    def call() -> None:
        called.append("x")

    with db.transaction() as session:
        pin(session, "kept")
        db.on_commit(session, call)
        db.on_commit(session, call)
        assert called == []
    assert (texts(), called) == (["kept"], ["x"])


def test_a_deadlock_is_tried_again(app: Any) -> None:
    """Without the retry one of the two would fail with PostgreSQL's deadlock error."""
    with db.transaction() as session:
        pin(session, "a")
        pin(session, "b")
    gate = threading.Barrier(2)
    failures: list[Exception] = []

    def update(first: str, second: str) -> None:
        met = False

        def work(session: Any) -> None:
            nonlocal met
            session.execute(text("UPDATE notes SET author = author + 1 WHERE text = :t"), {"t": first})
            if not met:
                met = True
                gate.wait(5)
            session.execute(text("UPDATE notes SET author = author + 1 WHERE text = :t"), {"t": second})

        try:
            db.run(work)
        except Exception as error:  # noqa: BLE001 (whatever it is, the test shows it)
            failures.append(error)

    threads = [threading.Thread(target=update, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failures == []
    with db.transaction() as session:
        assert list(session.execute(text("SELECT author FROM notes ORDER BY id")).scalars()) == [3, 3]


def test_connections_that_the_server_closed_are_not_used(app: Any, settings: Any) -> None:
    """As after a restart of PostgreSQL: the first request afterwards must not fail."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = %s"
    assert texts() == []
    with psycopg.connect(settings.database_url, autocommit=True) as outside:
        assert outside.execute(others, [outside.info.dbname]).fetchall()
        while outside.execute(others, [outside.info.dbname]).fetchall():
            time.sleep(0.01)
    assert texts() == []


def test_a_database_that_does_not_answer_is_unavailable(settings: Any) -> None:
    db.configure("postgresql://nobody@127.0.0.1:1/nowhere")
    try:
        with pytest.raises(Unavailable), db.transaction() as session:
            session.execute(text("SELECT 1"))
        assert not db.is_reachable()
    finally:
        db.configure(settings.database_url)


@contextmanager
def read_only(settings: Any) -> Iterator[None]:
    """As after a failover, where this process still talks to the server that is a standby now: whoever connects anew finds
    the one that writes.
    """
    with psycopg.connect(settings.database_url, autocommit=True) as outside:
        name = sql.Identifier(outside.info.dbname)
        outside.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        db.configure(settings.database_url, pool_size=1)
        try:
            assert texts() == [], "there is a connection, and one can read"
            yield
        finally:
            outside.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))


WRITES: dict[str, Callable[[Any], Any]] = {
    "sqlalchemy": lambda session: pin(session, "a"),
    "driver": lambda session: db.execute(session, "INSERT INTO notes (author, text) VALUES (1, %s)", ("a",)),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_database_that_only_reads_is_unavailable_and_its_messages_wait(
    app: Any, settings: Any, write: Callable[[Any], Any]
) -> None:
    with read_only(settings):
        with pytest.raises(Unavailable) as raised, db.transaction() as session:
            write(session)
        assert inbox.outcome_of(raised.value).verdict is Verdict.PAUSE, "a message is not put aside for that"
    with db.transaction() as session:
        write(session)
    assert texts() == ["a"], "the connection to the server that only reads is not used again"
    db.configure(settings.database_url)


def test_a_statement_by_itself_and_a_relay_leave_a_server_that_only_reads(app: Any, settings: Any) -> None:
    claim = "SELECT id FROM outbox ORDER BY id LIMIT 1 FOR UPDATE"
    for work in (lambda: db.look(claim, ()), lambda: outbox.Relay(None).relay_once()):  # type: ignore[arg-type]
        with read_only(settings), pytest.raises((Unavailable, DBAPIError)):
            work()
        assert not work(), "there is nothing, and that can be seen now"
    db.configure(settings.database_url)


def test_the_driver_alone_answers_named_rows_in_the_same_transaction(app: Any) -> None:
    with db.transaction() as session:
        pin(session, "by SQLAlchemy")
        [row] = db.execute(
            session, "INSERT INTO notes (author, text) VALUES (2, %(text)s) RETURNING id, text", {"text": "x"}
        )
        assert (row.text, row.id) == ("x", row[0])
        assert db.execute(session, "UPDATE notes SET author = 3 WHERE author = %s", (2,)) == []
        assert db.execute(session, "SELECT text FROM notes WHERE author = 4") == []
        session.rollback()
    assert texts() == []


def test_a_failure_of_the_driver_is_what_sqlalchemy_would_raise(app: Any) -> None:
    """So that deadlocks are tried again and outages are told apart. The values stay out of it: they may be a person's."""
    with pytest.raises(IntegrityError) as raised, db.transaction() as session:
        db.execute(session, "INSERT INTO notes (author, text) VALUES (1, %s)", (None,))
    assert isinstance(raised.value.orig, psycopg.errors.NotNullViolation)
    with pytest.raises(DataError) as raised_too, db.transaction() as session:
        db.execute(session, "SELECT %s::text, 1 / 0", ("a secret",))
    assert "a secret" not in str(raised_too.value)
    with pytest.raises(Unavailable), db.transaction() as session:
        db.execute(session, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert texts() == [], "the next one has a connection that lives"


def test_a_look_is_its_own_transaction_and_leaves_the_connection_as_it_was(app: Any, settings: Any) -> None:
    db.configure(settings.database_url, pool_size=1)
    assert db.look("SELECT a, a + %s FROM generate_series(1, 2) AS a", (10,)) == [(1, 11), (2, 12)]
    with pytest.raises(psycopg.errors.DivisionByZero):
        db.look("SELECT 1 / %s", (0,))
    assert db.look("SELECT %s::text", ("still there",)) == [("still there",)]
    with db.transaction() as session:
        pin(session, "lost")
        session.rollback()
    assert texts() == []
    db.configure(settings.database_url)


def test_a_look_at_a_database_that_goes_away_is_unavailable(app: Any, settings: Any) -> None:
    with pytest.raises(Unavailable):
        db.look("SELECT pg_terminate_backend(pg_backend_pid()), %s", (1,))
    assert db.look("SELECT %s::int", (1,)) == [(1,)], "the next one has a connection that lives"
    db.configure("postgresql://nobody@127.0.0.1:1/nothing")
    try:
        with pytest.raises(Unavailable):
            db.look("SELECT %s::int", (1,))
    finally:
        db.configure(settings.database_url)


def noting(work: Callable[..., int], results: list[int]) -> Callable[..., int]:
    def noted(*arguments: Any) -> int:
        results.append(work(*arguments))
        return results[-1]

    return noted


def test_old_rows_go_in_small_steps_however_many_have_gathered(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After days without a worker one statement for all of them would reach its time limit, every hour anew."""
    kept = {"inbox": inbox.inbox, "idempotency": idempotency.answers}
    answer = {
        "method": "POST",
        "path": "/x",
        "fingerprint": b"",
        "status": 200,
        "media_type": "",
        "headers": {},
        "body": b"",
    }
    with db.transaction() as session:
        for number in range(26):
            moment = clock.now() - timedelta(days=30 if number else 0)
            message_id = uuid.UUID(int=int(moment.timestamp() * 1000) << 80 | number)
            session.execute(kept["inbox"].insert().values(message_id=message_id, handler="h", handled_at=moment))
            session.execute(
                kept["idempotency"].insert().values(caller=str(number), key="k", created_at=moment, **answer)
            )
    removed: list[int] = []
    for module in (inbox, idempotency):
        monkeypatch.setattr(module, "forget_old", noting(module.forget_old, removed))
    monkeypatch.setattr(run, "FORGOTTEN_AT_ONCE", 10)
    run.forget_old_rows()
    assert removed == [10, 10, 5] * 2
    with db.transaction() as session:
        assert [session.execute(select(func.count()).select_from(table)).scalar() for table in kept.values()] == [1, 1]


def test_a_job_runs_in_one_process_at_a_time(app: Any) -> None:
    running = threading.Event()
    finish = threading.Event()
    runs: list[str] = []

    def slow() -> None:
        runs.append("slow")
        running.set()
        finish.wait(5)

    first = jobs.Job("sweep", 1, slow)
    thread = threading.Thread(target=jobs.run_once, args=(first, "notes"))
    thread.start()
    running.wait(5)
    jobs.run_once(jobs.Job("sweep", 1, lambda: runs.append("second")), "notes")
    jobs.run_once(jobs.Job("other", 1, lambda: runs.append("other")), "notes")
    finish.set()
    thread.join(5)
    jobs.run_once(jobs.Job("sweep", 1, lambda: runs.append("third")), "notes")
    assert runs == ["slow", "other", "third"]


def test_a_job_that_looks_first_runs_only_when_something_is_due(app: Any) -> None:
    due: list[str] = []
    runs: list[str] = []

    def look_at_nothing() -> bool:
        raise Unavailable("the database restarts")

    for is_due in (lambda: bool(due), look_at_nothing):
        jobs.run_once(jobs.Job("looking", 1, lambda: runs.append("ran"), is_due), "notes")
    assert runs == []
    due.append("a mail")
    jobs.run_once(jobs.Job("looking", 1, lambda: runs.append("ran"), lambda: bool(due)), "notes")
    assert runs == ["ran"]


def test_a_job_that_never_ends_well_stands_still_since_its_process_started(app: Any) -> None:
    def wait_for_a_neighbour() -> None:
        raise Unavailable("events is down")

    began, ticking = time.time(), jobs.Clock([jobs.Job("never", 60, wait_for_a_neighbour)], "notes")
    ticking.start()
    ticking.stop()
    assert metrics.job_succeeded.labels("notes", "never")._value.get() >= began


def test_a_job_that_fails_is_counted_and_lets_go(app: Any) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    runs: list[str] = []
    jobs.run_once(jobs.Job("fragile", 1, fail), "notes")
    jobs.run_once(jobs.Job("fragile", 1, lambda: runs.append("again")), "notes")
    assert runs == ["again"]


def test_a_job_that_finds_no_database_waits_and_has_not_failed(
    app: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Or else an outage would be ten stacks in every second, and the line that says why is lost among them."""
    db.configure("postgresql://nobody@127.0.0.1:1/nowhere")
    try:
        jobs.run_once(jobs.Job("homeless", 1, lambda: None), "notes")
    finally:
        db.configure(settings.database_url)
    [line] = caplog.records
    assert (line.levelname, line.message, line.exc_info) == ("WARNING", "job waits", None)
    assert "Connection refused" in vars(line)["cause"]
    assert metrics.job_failures.labels("notes", "homeless")._value.get() == 0


def test_a_job_whose_lock_is_lost_with_the_database_waits_and_has_not_failed(
    app: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def outlive_the_connections() -> None:
        with psycopg.connect(settings.database_url, autocommit=True) as outside:
            outside.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = %s",
                [outside.info.dbname],
            )
        raise Unavailable("The database does not answer.")

    jobs.run_once(jobs.Job("bereft", 1, outlive_the_connections), "notes")
    assert [(record.message, record.exc_info) for record in caplog.records if record.name == "chassis.jobs"] == [
        ("job waits", None)
    ]
    assert metrics.job_failures.labels("notes", "bereft")._value.get() == 0


def test_queues_that_cannot_be_measured_are_no_run_that_ended_well() -> None:
    """The figures of dead letters are old ones then: JobsStandStill says so."""

    class Down:
        def depths(self) -> list[Depth]:
            raise BrokerDownError("it does not answer")

    with pytest.raises(Unavailable) as raised:
        run.measure_queues(Down(), "notes")  # type: ignore[arg-type]
    assert str(raised.value.__cause__) == "it does not answer"


def test_a_job_that_services_share_is_told_apart(app: Any) -> None:
    for service in ("one", "another"):
        jobs.run_once(jobs.Job("shared", 1, lambda: None), service)
    told = [labels for labels, _ in metrics.job_succeeded._metrics.items() if "shared" in labels]
    assert told == [("one", "shared"), ("another", "shared")]
