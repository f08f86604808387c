"""Calls between services: errors cross unchanged, strangers are refused, a dead peer is a 503."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from chassis import context, rpc
from chassis.errors import Conflict, Forbidden, Unavailable
from chassis.testing import SECRET
from proto.accounts import accounts_pb2, accounts_pb2_grpc

Peer = Callable[..., None]


@pytest.fixture(autouse=True)
def app() -> None:
    """No database is needed here."""


@pytest.fixture(autouse=True)
def clean() -> None:
    """Nothing is stored here."""


@pytest.fixture
def peer() -> Any:
    from chassis.testing import peers

    with peers("orders") as answer:
        yield answer


def get_user() -> accounts_pb2.User:
    stub = accounts_pb2_grpc.AccountsStub(rpc.channel("accounts"))
    return rpc.call(stub.GetUser, accounts_pb2.GetUserRequest(id=7), timeout_seconds=1)


def test_the_reply_comes_back(peer: Peer) -> None:
    peer("accounts", GetUser=lambda request: accounts_pb2.User(id=request.id, email="a@example.com"))
    assert get_user().email == "a@example.com"


def test_a_refusal_arrives_as_what_it_was(peer: Peer) -> None:
    def refuse(_: Any) -> accounts_pb2.User:
        raise Conflict("Taken.", code="taken", source={"pointer": "/x"}, meta={"n": 2}, headers={"Retry-After": "3"})

    peer("accounts", GetUser=refuse)
    with pytest.raises(Conflict) as refusal:
        get_user()
    error = refusal.value
    assert (error.code, error.detail, error.source, error.meta) == ("taken", "Taken.", {"pointer": "/x"}, {"n": 2})
    assert error.headers == {"Retry-After": "3"}


def test_the_request_id_and_the_users_token_travel_along(peer: Peer) -> None:
    seen: list[tuple[str, str]] = []

    def look(_: Any) -> accounts_pb2.User:
        seen.append((context.request_id.get(), context.token.get()))
        return accounts_pb2.User()

    peer("accounts", GetUser=look)
    request, token = context.request_id.set("r-1"), context.token.set("a.b.c")
    try:
        get_user()
    finally:
        context.request_id.reset(request)
        context.token.reset(token)
    assert seen == [("r-1", "a.b.c")]


def test_a_mistake_of_theirs_is_a_503_and_tells_nothing(peer: Peer) -> None:
    def fail(_: Any) -> accounts_pb2.User:
        raise ZeroDivisionError("secret")

    peer("accounts", GetUser=fail)
    with pytest.raises(Unavailable) as refusal:
        get_user()
    assert "secret" not in refusal.value.detail


def test_a_peer_that_is_down_is_a_503_with_retry_after(peer: Peer) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable) as refusal:
        get_user()
    assert refusal.value.headers["Retry-After"] == "2"
    assert time.monotonic() - started < 2


def test_a_peer_that_is_too_slow_is_a_503(peer: Peer) -> None:
    def sleep(_: Any) -> accounts_pb2.User:
        time.sleep(1.5)
        return accounts_pb2.User()

    peer("accounts", GetUser=sleep)
    with pytest.raises(Unavailable):
        get_user()


@pytest.mark.parametrize(("name", "secret"), [("payments", SECRET), ("orders", "guess"), ("nobody", SECRET)])
def test_who_is_not_declared_or_cannot_prove_it_may_not_call(peer: Peer, name: str, secret: str) -> None:
    calls: list[Any] = []
    peer("accounts", GetUser=calls.append)
    address = rpc._peers.addresses if rpc._peers else {}
    rpc.configure(rpc.Peers(name, secret, address))
    with pytest.raises(Forbidden) as refusal:
        get_user()
    assert refusal.value.code == "caller-refused"
    assert calls == []


def test_an_rpc_without_callers_does_not_start() -> None:
    from proto import options_pb2

    descriptor = accounts_pb2.DESCRIPTOR.services_by_name["Accounts"]
    assert all(method.GetOptions().Extensions[options_pb2.callers] for method in descriptor.methods)

    class Undeclared:
        methods = (type("Method", (), {"full_name": "x.Y", "name": "Y", "GetOptions": options_pb2_empty})(),)

    with pytest.raises(ValueError, match=r"x\.Y does not declare its callers"):
        rpc._Adapter(rpc.Servicer(Undeclared(), lambda *_: None, object()), {})  # type: ignore[arg-type]


def options_pb2_empty(_: Any = None) -> Any:
    from google.protobuf.descriptor_pb2 import MethodOptions

    return MethodOptions()


def test_calls_spread_over_replicas_and_survive_the_end_of_one() -> None:
    class Replica:
        def __init__(self, number: int) -> None:
            self.number = number

        def __getattr__(self, _: str) -> Callable[[Any], accounts_pb2.User]:
            return lambda request: accounts_pb2.User(id=self.number)

    descriptor = accounts_pb2.DESCRIPTOR.services_by_name["Accounts"]
    add = accounts_pb2_grpc.add_AccountsServicer_to_server
    secrets = {"orders": rpc.digest(SECRET)}
    running = [rpc.serve("127.0.0.1:0", [rpc.Servicer(descriptor, add, Replica(at))], secrets) for at in (1, 2)]
    both = "ipv4:" + ",".join(f"127.0.0.1:{port}" for _, port in running)
    rpc.configure(rpc.Peers("orders", SECRET, {"accounts": both}))
    deadline = time.monotonic() + 10
    while {get_user().id for _ in range(4)} != {1, 2}:  # the second connection may be a moment later
        assert time.monotonic() < deadline
    running[0][0].stop(None).wait()
    assert {get_user().id for _ in range(10)} == {2}
    running[1][0].stop(None).wait()
