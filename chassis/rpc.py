"""gRPC between services: deadlines, the request id, who is calling, and refusals that arrive as what they were.

A servicer is written as if it were called directly: it takes the request, returns the reply and raises `DomainError`s.
The caller's side raises the same error again. Whoever calls shows its own secret; the called service knows only SHA-256
digests of them, and each RPC declares in its .proto who may call.
"""

import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
import orjson
from google.protobuf.descriptor import ServiceDescriptor

from chassis import context, metrics, tracing
from chassis.errors import KINDS, DomainError, Forbidden, Unavailable
from proto import options_pb2

log = logging.getLogger(__name__)
Reply = TypeVar("Reply")
S = TypeVar("S")

ERROR_KEY = "stagedoor-error-bin"
CHANNEL_OPTIONS = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_http_proxy", 0),
    # All replicas behind a name get their turn; whoever dies drops out, and the name is asked again soon.
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
)
SERVER_OPTIONS = (
    ("grpc.so_reuseport", 0),  # otherwise two servers silently share a port
    # Callers look up the name when a connection ends: this is how they find replicas that were added. Running calls finish.
    ("grpc.max_connection_age_ms", 60_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
_STATUS_OF: Mapping[int, grpc.StatusCode] = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.FAILED_PRECONDITION,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
_PEER_DOWN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)


@dataclass(frozen=True)
class Peers:
    """Who this process is and where the others listen. `addresses`: service name to host:port."""

    name: str
    secret: str = field(repr=False)
    addresses: Mapping[str, str]


_peers: Peers | None = None
_channels: dict[str, grpc.Channel] = {}
_stubs: dict[Any, tuple[grpc.Channel, Any]] = {}
_channels_lock = threading.Lock()


def configure(peers: Peers) -> None:
    """Binds this process to its peers. Channels open lazily, after any fork, one per peer."""
    global _peers
    _peers = peers
    with _channels_lock:
        for channel_ in _channels.values():
            channel_.close()
        _channels.clear()


def channel(service: str) -> grpc.Channel:
    """The one channel of this process to a service."""
    if _peers is None:
        raise RuntimeError("chassis.rpc.configure() has not been called in this process")
    with _channels_lock:
        if service not in _channels:
            _channels[service] = grpc.insecure_channel(_peers.addresses[service], options=CHANNEL_OPTIONS)
        return _channels[service]


def stub(kind: Callable[[grpc.Channel], S], service: str) -> S:
    """The stub of a service on this process' channel. Making one costs as much as a call, so it is made once."""
    over = channel(service)
    known = _stubs.get(kind)
    if known is None or known[0] is not over:
        known = _stubs[kind] = (over, kind(over))
    made: S = known[1]
    return made


def call(method: Callable[..., Reply], request: Any, *, timeout_seconds: float = 2.0) -> Reply:
    """One call with a deadline. Raises the DomainError that the other side raised, or Unavailable when it does not answer."""
    if _peers is None:
        raise RuntimeError("chassis.rpc.configure() has not been called in this process")
    with tracing.span(f"ask {type(request).__name__}", "CLIENT"):
        metadata = [("stagedoor-service", _peers.name), ("stagedoor-secret", _peers.secret)]
        for key, value in (
            ("x-request-id", context.request_id.get()),
            ("traceparent", context.traceparent.get()),
            ("authorization", context.token.get()),
        ):
            if value:
                metadata.append((key, value))
        try:
            return method(request, timeout=timeout_seconds, metadata=metadata)
        except grpc.RpcError as error:
            raise _as_domain_error(error) from error


def is_unheard_of(error: DomainError) -> bool:
    """Whether a call failed because the other side is an older version that does not have it."""
    return isinstance(error.__cause__, grpc.RpcError) and error.__cause__.code() is grpc.StatusCode.UNIMPLEMENTED


def _as_domain_error(error: Any) -> DomainError:
    for key, value in error.trailing_metadata() or ():
        if key == ERROR_KEY:
            return refused(value)
    if error.code() in _PEER_DOWN:
        log.warning("peer does not answer", extra={"code": error.code().name, "detail": error.details()})
        return Unavailable("A part of the system does not answer right now. Nothing was changed; please try again.")
    log.error("peer failed", extra={"code": error.code().name, "detail": error.details()})
    return Unavailable("A part of the system has a problem right now. Please try again later.", retry_after_seconds=10)


@dataclass(frozen=True)
class Servicer:
    """One gRPC service of this process: its descriptor, grpcio's ``add_…_to_server`` and the implementation.

    The implementation has a method per RPC that takes the request (and nothing else) and returns the reply.
    """

    descriptor: ServiceDescriptor
    add_to_server: Callable[[Any, Any], None]
    implementation: Any


def serve(
    address: str, servicers: Sequence[Servicer], caller_secrets: Mapping[str, str], *, threads: int = 8
) -> tuple[grpc.Server, int]:
    """A started server and its port. `caller_secrets`: service name to the SHA-256 (hex) of its secret.

    Raises ValueError for an RPC that does not declare its callers, RuntimeError when the address is taken.
    """
    executor = ThreadPoolExecutor(threads, thread_name_prefix="grpc")
    server = grpc.server(executor, options=SERVER_OPTIONS)
    for each in servicers:
        each.add_to_server(_Adapter(each, caller_secrets), server)
    port = server.add_insecure_port(address)
    if port == 0:
        raise RuntimeError(f"cannot listen on {address}")
    server.start()
    return server, port


def digest(secret: str) -> str:
    """What a called service stores of a caller's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def parse_caller_secrets(text: str) -> dict[str, str]:
    """``name=hex,name=hex`` as a mapping."""
    return dict(pair.split("=", 1) for pair in text.split(",") if pair)


class _Adapter:
    """grpcio's (request, context) methods around an implementation's (request) methods."""

    def __init__(self, servicer: Servicer, caller_secrets: Mapping[str, str]) -> None:
        for method in servicer.descriptor.methods:
            callers = frozenset(method.GetOptions().Extensions[options_pb2.callers])
            if not callers:
                raise ValueError(f"{method.full_name} does not declare its callers")
            work = getattr(servicer.implementation, method.name)
            setattr(self, method.name, _handler(method.full_name, work, callers, caller_secrets))


def _handler(
    name: str, work: Callable[[Any], Any], callers: frozenset[str], secrets: Mapping[str, str]
) -> Callable[[Any, Any], Any]:
    def handle(request: Any, grpc_context: Any) -> Any:
        metadata = dict(grpc_context.invocation_metadata())
        started = time.perf_counter()
        code = "OK"
        tokens = [
            context.request_id.set(metadata.get("x-request-id", "")),
            context.traceparent.set(metadata.get("traceparent", "")),
            context.token.set(metadata.get("authorization", "")),
        ]
        try:
            _check_caller(name, metadata, callers, secrets)
            with tracing.span(name, "SERVER"):
                return work(request)
        except DomainError as error:
            code = error.code
            grpc_context.set_trailing_metadata(((ERROR_KEY, refusal(error)),))
            grpc_context.abort(_STATUS_OF.get(error.status, grpc.StatusCode.UNKNOWN), error.detail)
        except Exception:
            code = "INTERNAL"
            log.exception("unexpected failure", extra={"rpc": name})
            grpc_context.abort(grpc.StatusCode.INTERNAL, "unexpected failure")
        finally:
            metrics.rpc_seconds.labels(name, code).observe(time.perf_counter() - started)
            for variable, token in zip((context.request_id, context.traceparent, context.token), tokens, strict=True):
                variable.reset(token)

    return handle


def refusal(error: DomainError) -> bytes:
    """A refusal as it travels."""
    fields = ("status", "code", "detail", "source", "meta", "headers")
    return orjson.dumps({name: getattr(error, name) for name in fields})


def refused(told: bytes) -> DomainError:
    """The refusal that travelled."""
    given = orjson.loads(told)
    kind = KINDS.get(given["status"], DomainError)
    parts = ("code", "source", "meta", "headers")
    return kind(given["detail"], **{name: given[name] for name in parts})


def _check_caller(name: str, metadata: Mapping[str, Any], callers: frozenset[str], secrets: Mapping[str, str]) -> None:
    caller = metadata.get("stagedoor-service", "")
    shown = digest(str(metadata.get("stagedoor-secret", "")))
    if not hmac.compare_digest(shown, secrets.get(caller, "")) or caller not in callers:
        log.warning("call refused", extra={"rpc": name, "caller": caller})
        raise Forbidden(f"{caller or 'A stranger'} may not call {name}.", code="caller-refused")
