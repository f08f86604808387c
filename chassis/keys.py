"""Where a process gets the keys that verify tokens: from their owner, over gRPC, and anew when it says so."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from chassis import auth, rpc
from chassis.auth import Ended
from chassis.errors import Unavailable
from chassis.inbox import hears
from proto.accounts import accounts_pb2, accounts_pb2_grpc

log = logging.getLogger(__name__)


def fetch() -> tuple[Mapping[str, Any], Iterable[Ended]]:
    """Keys and ended sessions as accounts knows them. Raises Unavailable when it does not answer."""
    stub = accounts_pb2_grpc.AccountsStub(rpc.channel("accounts"))
    reply: accounts_pb2.GetKeysReply = rpc.call(stub.GetKeys, accounts_pb2.GetKeysRequest())
    ended = [(each.user_id, each.session_id, each.issued_before.ToMicroseconds() / 1e6) for each in reply.ended]
    return orjson.loads(reply.jwks_json), ended


@hears(accounts_pb2.SessionsEnded)
def end_sessions(message: accounts_pb2.SessionsEnded) -> None:
    """Tokens of these sessions are refused from now on in this process."""
    auth.keyring().end(message.user_id, message.session_id, message.issued_before.ToMicroseconds() / 1e6)


@hears(accounts_pb2.KeysRotated)
def refresh_keys(_: accounts_pb2.KeysRotated) -> None:
    """A new key signs from now on."""
    try:
        auth.keyring().refresh()
    except Unavailable:
        log.warning("keys could not be fetched; the next unknown key fetches them")
