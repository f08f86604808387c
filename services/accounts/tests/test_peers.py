"""What other services ask and hear."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from chassis import rpc
from chassis.db import transaction
from chassis.errors import Forbidden, NotFound, Unavailable
from chassis.testing import PEERS, SECRET
from proto.accounts import accounts_pb2 as pb
from proto.accounts.accounts_pb2_grpc import AccountsStub
from proto.events import events_pb2
from services.accounts import clients, consumers, jobs
from services.accounts.main import SERVICE
from services.accounts.models import Event, Fill
from services.accounts.tests import people


@pytest.fixture
def stub(app: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Accounts as the orders service reaches it: over a real gRPC server. This process is orders, so nobody asks orders."""
    monkeypatch.setattr(clients, "coming_orders_of", lambda user_id: 0)
    server, port = rpc.serve("127.0.0.1:0", SERVICE.servicers, {name: rpc.digest(SECRET) for name in PEERS})
    rpc.configure(rpc.Peers("orders", SECRET, {"accounts": f"127.0.0.1:{port}"}))
    yield AccountsStub(rpc.channel("accounts"))
    server.stop(None)
    rpc.configure(rpc.Peers("accounts", SECRET, dict.fromkeys(PEERS, "127.0.0.1:1")))


def test_keys_and_ended_sessions_are_told(client: Any, stub: Any) -> None:
    ann = people.somebody(client)
    ann.client.post("/v1/auth/logout")
    reply = rpc.call(stub.GetKeys, pb.GetKeysRequest())
    assert len(orjson.loads(reply.jwks_json)["keys"]) == 1
    assert [(ended.user_id, bool(ended.session_id)) for ended in reply.ended] == [(ann.id, True)]


def test_a_living_user_is_found_by_id(client: Any, stub: Any) -> None:
    ann = people.somebody(client)
    assert rpc.call(stub.GetUser, pb.GetUserRequest(id=ann.id)).email == "ann@example.com"
    with pytest.raises(NotFound):
        rpc.call(stub.GetUser, pb.GetUserRequest(id=999))
    ann.client.delete(ann.path)
    with pytest.raises(NotFound):
        rpc.call(stub.GetUser, pb.GetUserRequest(id=ann.id))


def test_a_snapshot_pages_through_everybody_with_tombstones(client: Any, stub: Any) -> None:
    ann = people.somebody(client)
    ids = [ann.id, people.sign_up(client, "bob@example.com"), people.sign_up(client, "cy@example.com")]
    ann.client.delete(ann.path)
    first = rpc.call(stub.SnapshotUsers, pb.SnapshotRequest(limit=2)).users
    second = rpc.call(stub.SnapshotUsers, pb.SnapshotRequest(after_id=first[-1].id, limit=2)).users
    assert [user.id for user in (*first, *second)] == ids
    assert [user.deleted for user in first] == [True, False]
    assert (first[0].email, first[0].version) == ("", 2)


def test_only_declared_callers_are_answered(client: Any, app: Any) -> None:
    server, port = rpc.serve("127.0.0.1:0", SERVICE.servicers, {name: rpc.digest(SECRET) for name in PEERS})
    try:
        rpc.configure(rpc.Peers("payments", SECRET, {"accounts": f"127.0.0.1:{port}"}))
        with pytest.raises(Forbidden):
            rpc.call(AccountsStub(rpc.channel("accounts")).GetUser, pb.GetUserRequest(id=1))
        rpc.configure(rpc.Peers("orders", "another secret", {"accounts": f"127.0.0.1:{port}"}))
        with pytest.raises(Forbidden):
            rpc.call(AccountsStub(rpc.channel("accounts")).GetUser, pb.GetUserRequest(id=1))
    finally:
        server.stop(None)
        rpc.configure(rpc.Peers("accounts", SECRET, dict.fromkeys(PEERS, "127.0.0.1:1")))


def test_events_are_known_by_their_newest_state(db: Any) -> None:
    def hear(version: int, name: str) -> None:
        event = events_pb2.Event(id=5, version=version, identifier="ab12cd34", name=name, timezone="UTC", state="draft")
        event.starts_at.FromDatetime(datetime(2026, 12, 1, tzinfo=UTC))
        with transaction() as session:
            consumers.know_event(session, events_pb2.EventChanged(event=event))

    hear(2, "New name")
    hear(1, "Old name")
    event = db.get(Event, 5)
    assert (event.name, event.starts_at, event.ends_at) == ("New name", datetime(2026, 12, 1, tzinfo=UTC), None)


def test_a_new_service_reads_what_events_has(client: Any, db: Any, peer: Any) -> None:
    ann = people.somebody(client)
    event = events_pb2.Event(id=5, version=3, identifier="ab12cd34", name="Harbour Lights", state="published")
    role = events_pb2.EventRole(id=9, version=2, event_id=5, user_id=ann.id, roles=["owner"])
    asked: list[int] = []

    def events(request: Any) -> Any:
        asked.append(request.after_id)
        return events_pb2.EventPage(events=[] if request.after_id else [event])

    def roles(request: Any) -> Any:
        return events_pb2.EventRolePage(event_roles=[] if request.after_id else [role])

    peer("events", SnapshotEvents=events, SnapshotEventRoles=roles)
    jobs.fill_replicas()
    jobs.fill_replicas()
    assert asked == [0, 5]
    found = ann.client.get(f"{ann.path}?include=events").json()
    assert found["data"]["attributes"]["is-user-owner"]
    assert found["included"][0]["attributes"]["name"] == "Harbour Lights"
    assert ann.client.get(f"{ann.path}/notifications").json()["data"] == []  # nobody joined anything just now


def test_a_service_whose_neighbour_is_down_tries_again(db: Any) -> None:
    with pytest.raises(Unavailable):
        jobs.fill_replicas()
    assert db.scalars(sa.select(Fill.kind)).all() == []
