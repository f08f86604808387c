"""The database of one service: one engine per process, and the two ways to open a transaction.

Entrances (`api`, `grpc_server`, `consumers`, `jobs`) open the transaction: return commits, raise rolls back. Nobody below
an entrance commits, but for the one statement whose locks everybody waits for (services/orders/queries/committing.py). No
remote call belongs inside one.
"""

import logging
import random
import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, DateTime, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from chassis.errors import Unavailable

T = TypeVar("T")
Values = Sequence[Any] | Mapping[str, Any]
log = logging.getLogger(__name__)

RETRIED_SQLSTATES = frozenset({"40001", "40P01"})  # serialization failure, deadlock
OUTDATED_PLAN = "RevalidateCachedQuery"  # the part of PostgreSQL that says "cached plan must not change result type"
# The server only reads: it is a standby since a failover, or its disk is full and its keeper has locked it. And it has hung
# up on who was stopped in the middle of a transaction. The driver counts both among internal errors.
LOST_SQLSTATES = frozenset({"25006", "25P03"})
ATTEMPTS = 3
RESTART_SECONDS = 6.0  # in which a database comes back
RESTART_POLL_SECONDS = 0.05


class OutdatedPlan(Unavailable):
    """A migration changed a table after a connection had prepared its statement. From now on all connections are new ones."""


_engine: Engine | None = None
_sessions: sessionmaker[Session] | None = None


class Base:
    """What all models have in common. A service says ``class Base(db.Base, DeclarativeBase)``, with its own MetaData.

    So each service has a registry of its own: no table wanders into another's history, and two services may name a class
    alike. Times are always aware.
    """

    type_annotation_map: ClassVar[Mapping[Any, Any]] = {datetime: DateTime(timezone=True)}


class QuietCursor(psycopg.Cursor[Any]):
    """A cursor that describes its columns only to who looks.

    SQLAlchemy asks every result whether it has a description, and reads it only the first time that a statement runs;
    building it anew each time costs a tenth of a request that selects a wide row.
    """

    @property
    def description(self) -> Any:
        """As `psycopg.Cursor.description`, made when it is read."""
        result = self.pgresult
        if result is None or (not result.nfields and result.status != ExecStatus.TUPLES_OK):
            return None
        return _Columns(self, result.nfields)


class _Columns(Sequence[psycopg.Column]):
    def __init__(self, cursor: QuietCursor, count: int) -> None:
        self._cursor = cursor
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        described = psycopg.Cursor.description.__get__(self._cursor)
        return described[index]

    def __iter__(self) -> Iterator[psycopg.Column]:
        return iter(psycopg.Cursor.description.__get__(self._cursor))


def configure(url: str, *, pool_size: int = 20, statement_timeout_seconds: int = 15) -> Engine:
    """Binds this process to its database. Nothing is connected yet, so services start in any order."""
    global _engine, _sessions
    if _engine is not None:
        _engine.dispose()
    _engine = create_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_recycle=1800,
        hide_parameters=True,  # they may be a person's, and failures are logged
        connect_args={
            "cursor_factory": QuietCursor,
            "connect_timeout": 5,
            "options": (
                f"-c statement_timeout={statement_timeout_seconds * 1000} -c lock_timeout=5000"
                " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC"
            ),
        },
    )
    event.listen(_engine, "checkout", _refuse_dead_connection)
    event.listen(_engine, "handle_error", _read_error)
    _sessions = sessionmaker(_engine, expire_on_commit=False)
    return _engine


def sqlalchemy_url(url: str) -> str:
    """The same URL with the driver named, as SQLAlchemy wants it."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def engine() -> Engine:
    """The engine of this process. Raises RuntimeError before `configure`."""
    if _engine is None:
        raise RuntimeError("chassis.db.configure() has not been called in this process")
    return _engine


@contextmanager
def transaction() -> Iterator[Session]:
    """A session in a transaction: commit on return, rollback on raise, then what `on_commit` collected.

    Raises Unavailable (503) when the database cannot be reached: nothing was decided.
    """
    if _sessions is None:
        raise RuntimeError("chassis.db.configure() has not been called in this process")
    db = _sessions()
    try:
        yield db
        db.commit()
    except (DBAPIError, PoolTimeoutError, DisconnectionError) as error:
        if _sqlstate(error) in LOST_SQLSTATES:
            db.invalidate()
        _roll_back(db)
        if isinstance(error, DBAPIError) and _drops_outdated_plans(error.orig):
            raise OutdatedPlan(_TRY_AGAIN) from error
        if not is_outage(error):
            raise
        raise _unavailable(error) from error
    except BaseException:
        _roll_back(db)
        raise
    finally:
        db.close()
    for callback in db.info.pop("on_commit", ()):
        callback()


def run(work: Callable[[Session], T]) -> T:
    """`work` in a transaction; deadlocks, serialization failures and outdated plans are tried again, three times in all."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction() as db:
                return work(db)
        except OutdatedPlan:
            if attempt == ATTEMPTS:
                raise
        except DBAPIError as error:
            if _sqlstate(error) not in RETRIED_SQLSTATES:
                raise
            if attempt == ATTEMPTS:
                raise Unavailable("Too many people change this at once. Please try again.") from error
            time.sleep(random.uniform(0.005, 0.05) * attempt)  # noqa: S311 (spreads the losers, guards nothing)
    raise AssertionError("unreachable")


def persist(work: Callable[[Session], T]) -> T:
    """`run`, although the database restarts meanwhile: for what this process alone knows, such as how a call to others ended.

    `work` has to be harmless when it is applied twice: the answer of a commit may be lost. Raises Unavailable after
    RESTART_SECONDS.
    """
    deadline = time.monotonic() + RESTART_SECONDS
    while True:
        try:
            return run(work)
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(RESTART_POLL_SECONDS)


def execute(bind: Session | Connection, statement: str, values: Values = ()) -> list[Any]:
    """The rows of a statement in this transaction, as named tuples, by the driver alone; none for one that returns nothing.

    For what runs for every order or message: SQLAlchemy would describe the columns anew each time, which costs more than
    the statement. Like `exec_driver_sql`, it flushes nothing before. Raises what SQLAlchemy raises for the same failure.
    """
    connection = bind.connection() if isinstance(bind, Session) else bind
    driver: Any = connection.connection.driver_connection
    try:
        cursor = driver.cursor(row_factory=namedtuple_row)
        cursor.execute(statement, values)
        rows: list[Any] = cursor.fetchall() if cursor.pgresult.nfields else []
    except psycopg.Error as error:
        if error.sqlstate in LOST_SQLSTATES:
            connection.invalidate()
        raise failure(statement, error) from error
    return rows


def first(bind: Session | Connection, statement: str, values: Values = ()) -> Any | None:
    """The first row of `execute`, None where there is none."""
    return next(iter(execute(bind, statement, values)), None)


def failure(statement: str, error: psycopg.Error) -> DBAPIError:
    """What SQLAlchemy would raise for an error of the driver. It does not name the values: they may be a person's."""
    _drops_outdated_plans(error)
    _hide_detail(error)
    told: Any = DBAPIError.instance(statement, {}, error, psycopg.Error, hide_parameters=True)
    assert isinstance(told, DBAPIError)  # noqa: S101 (psycopg.Error is the base of the driver's errors)
    return told


def look(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of one statement that is its own transaction, by the driver alone: for what is read on every request.

    Raises Unavailable (503) when the database cannot be reached.
    """
    for _ in range(ATTEMPTS):
        try:
            with alone() as driver:
                rows: list[tuple[Any, ...]] = driver.execute(statement, values).fetchall()
                return rows
        except psycopg.Error as error:
            if isinstance(error, psycopg.OperationalError) or error.sqlstate in LOST_SQLSTATES:
                raise _unavailable(error) from error
            if not _drops_outdated_plans(error):
                raise
    raise OutdatedPlan(_TRY_AGAIN)


@contextmanager
def alone() -> Iterator[Any]:
    """A connection of the driver for one statement that is a transaction by itself: no session, no BEGIN, no COMMIT.

    Raises Unavailable (503) when there is none; what the driver raises is passed on.
    """
    try:
        pooled = engine().raw_connection()
    except (psycopg.OperationalError, PoolTimeoutError, DisconnectionError) as error:
        raise _unavailable(error) from error
    driver: Any = pooled.driver_connection
    is_lost = False
    try:
        driver.autocommit = True
        yield driver
    except psycopg.Error as error:
        _hide_detail(error)
        is_lost = error.sqlstate in LOST_SQLSTATES
        raise
    finally:
        if driver.pgconn.transaction_status == TransactionStatus.IDLE and not is_lost:
            driver.autocommit = False
        else:  # it or its server is lost, or somebody was interrupted in the middle
            pooled.invalidate()
        pooled.close()


def on_commit(db: Session, callback: Callable[[], None]) -> None:
    """Calls `callback` once after this transaction has committed; a callback given twice is called once."""
    callbacks: list[Callable[[], None]] = db.info.setdefault("on_commit", [])
    if callback not in callbacks:
        callbacks.append(callback)


def is_reachable() -> bool:
    """Whether the database answers now."""
    try:
        with engine().connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except (DBAPIError, PoolTimeoutError, DisconnectionError):
        return False
    return True


def is_outage(error: Exception) -> bool:
    """Whether the database could not be reached, or takes nothing now: nothing was decided, and it may be better later."""
    if _sqlstate(error) in RETRIED_SQLSTATES:
        return False
    is_away = isinstance(error, OperationalError | PoolTimeoutError | DisconnectionError)
    return is_away or _sqlstate(error) in LOST_SQLSTATES


_TRY_AGAIN = "The database has just been changed. Nothing was done; please try again."


def _unavailable(error: Exception) -> Unavailable:
    log.warning("database unavailable", extra={"error": str(error).split("\n")[0]})
    return Unavailable("The database does not answer. Nothing was changed; please try again.")


def _drops_outdated_plans(error: BaseException | None) -> bool:
    """Whether a statement was prepared before a migration: then all connections are given up, since others keep such too."""
    if not isinstance(error, psycopg.errors.FeatureNotSupported) or error.diag.source_function != OUTDATED_PLAN:
        return False
    log.warning("a migration outdated prepared statements: connections are renewed")
    engine().dispose()
    return True


def _sqlstate(error: Exception) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def _roll_back(db: Session) -> None:
    db.info.pop("on_commit", None)
    try:
        db.rollback()
    except DBAPIError as error:  # the connection is gone, and the transaction with it
        log.warning("rollback failed", extra={"error": str(error).split("\n")[0]})


def _refuse_dead_connection(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    """An idle connection has nothing to say; one that is readable was closed by the server. Far cheaper than a ping."""
    if dbapi_connection.closed or select.select([dbapi_connection.fileno()], [], [], 0)[0]:
        raise DisconnectionError("the server closed this connection")


def _read_error(context: ExceptionContext) -> None:
    """A lost server: all connections to it are opened anew, perhaps to another one that has taken its name."""
    error = context.original_exception
    if not isinstance(error, psycopg.Error):
        return
    if error.sqlstate in LOST_SQLSTATES:
        context.is_disconnect = True
    whole = str(error)
    _hide_detail(error)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (str(context.sqlalchemy_exception.args[0]).replace(whole, str(error)),)


def _hide_detail(error: psycopg.Error) -> None:
    """Leaves out what PostgreSQL adds in further lines, such as the key that is taken or the whole row; `diag` still has it."""
    if error.diag.message_detail or error.diag.context:
        error.args = (error.diag.message_primary,)
