"""All users are read from accounts, also when one of them cannot be kept."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis import metrics
from proto.accounts import accounts_pb2
from services.events import jobs
from services.events.models import User


def test_a_user_who_cannot_be_kept_is_passed_over(
    peer: Callable[..., None], db: Session, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    users = [accounts_pb2.User(id=number, version=1, email=f"user{number}@example.com") for number in (1, 2, 3)]
    users[1].email = "x" * 400

    def page(request: Any) -> Any:
        return accounts_pb2.UserPage(users=[each for each in users if each.id > request.after_id])

    peer("accounts", SnapshotUsers=page)
    monkeypatch.setattr(jobs, "_users_read_at", None)
    refused = metrics.replica_rows_refused.labels("stagedoor.accounts.User")
    before = refused._value.get()
    jobs.read_users()
    assert list(db.scalars(select(User.id).order_by(User.id))) == [1, 3]
    assert refused._value.get() == before + 1
    assert [record.id for record in caplog.records if record.message == "a replica cannot be kept"] == [2]
