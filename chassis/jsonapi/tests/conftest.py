"""One scratch database per run, a Flask request around what needs one, and statements counted."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import flask
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from chassis import db as chassis_db
from chassis.auth import Claims
from chassis.jsonapi.tests import library
from chassis.testing import scratch_database

flask_app = flask.Flask("library")


def claims(user_id: int = 1, role: Any = "user") -> Claims:
    return Claims(
        user_id=user_id,
        email=f"user{user_id}@example.com",
        role=role,
        is_verified=True,
        session_id="s",
        is_fresh=True,
        token="",
        issued_at=0.0,
        expires_at=0.0,
    )


@pytest.fixture(scope="session")
def library_url(postgres_url: str) -> Iterator[str]:
    with scratch_database(postgres_url, "jsonapi") as url:
        chassis_db.configure(url)
        library.Base.metadata.create_all(chassis_db.engine())
        yield url
        chassis_db.engine().dispose()


@pytest.fixture
def db(library_url: str) -> Iterator[Session]:
    """Rows are committed, so that handlers with their own transaction see them, and removed after the test."""
    chassis_db.configure(library_url)
    library.changes.clear()
    with Session(chassis_db.engine(), expire_on_commit=False) as session:
        yield session
        session.rollback()
    names = ", ".join(table.name for table in library.Base.metadata.sorted_tables)
    with chassis_db.engine().begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    chassis_db.engine().dispose()


class Statements(list[str]):
    """The SELECTs, INSERTs … that were sent while it was watching."""


@pytest.fixture
def statements(db: Session) -> Callable[[], Any]:
    @contextmanager
    def watching() -> Iterator[Statements]:
        seen = Statements()

        def note(_c: Any, _cur: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        sa.event.listen(chassis_db.engine(), "before_cursor_execute", note)
        yield seen
        sa.event.remove(chassis_db.engine(), "before_cursor_execute", note)

    return watching


class Ask:
    """Calls operations inside a Flask request."""

    def __call__(
        self,
        function: Callable[..., flask.Response],
        query: dict[str, str] | None = None,
        *,
        headers: dict[str, str] | None = None,
        path: str = "/v1/books",
        **arguments: Any,
    ) -> flask.Response:
        with flask_app.test_request_context(path, query_string=query or {}, headers=headers or {}):
            return function(**arguments)

    def json(self, function: Callable[..., flask.Response], *args: Any, **rest: Any) -> Any:
        answer = self(function, *args, **rest)
        return json.loads(answer.get_data())


@pytest.fixture
def ask(db: Session) -> Ask:
    return Ask()
