"""pytest fixtures for services: a real PostgreSQL, the real app, and what was published.

A service's `tests/conftest.py` says ``pytest_plugins``-free: ``from chassis.testing import service_fixtures`` and then
``globals().update(service_fixtures(SERVICE))``. Tests get:

- `client`: requests to the app in this process; ``client.as_user(7, role="admin")`` asks as somebody;
- `db`: a session for arranging and looking; committed data is removed after each test;
- `published(Type)`: messages in the outbox, decoded, in order;
- `peer("events", GetOffer=...)`: another service's gRPC, answered by functions of the test.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import jwt
import psycopg
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from chassis import auth, db, messages, migrate, rpc
from chassis.app import create_app
from chassis.config import load
from chassis.outbox import outbox
from chassis.responses import JSON, JSON_API
from chassis.service import Service

_SIGNING_KEY = Ed25519PrivateKey.generate()
_KEY_ID = "test-key"
SECRET = "a secret of the tests"  # noqa: S105
PEERS = ("accounts", "events", "orders", "payments", "tickets", "gateway")


def sign(user_id: int, *, role: str = "user", is_verified: bool = True, is_fresh: bool = True, **claims: Any) -> str:
    """An access token as accounts would sign it."""
    issued = time.time()
    payload = {
        "sub": str(user_id),
        "identity": user_id,
        "email": f"user{user_id}@example.com",
        "role": role,
        "is_verified": is_verified,
        "sid": f"session-{user_id}",
        "fresh": is_fresh,
        "typ": "access",
        "iat": issued,
        "exp": issued + 900,
        "jti": uuid.uuid4().hex,
        "iss": auth.ISSUER,
        "aud": auth.AUDIENCE,
        **claims,
    }
    return jwt.encode(payload, _SIGNING_KEY, algorithm="EdDSA", headers={"kid": _KEY_ID})


def fetch_test_keys() -> tuple[dict[str, Any], list[auth.Ended]]:
    """The test key as accounts would publish it."""
    key = jwt.algorithms.OKPAlgorithm.to_jwk(_SIGNING_KEY.public_key(), as_dict=True)
    return {"keys": [{**key, "kid": _KEY_ID, "alg": "EdDSA", "use": "sig"}]}, []


class Client:
    """Requests to an app in this process, as nobody or as somebody."""

    def __init__(self, app: Any, headers: dict[str, str] | None = None) -> None:
        self._app = app
        self._http = TestClient(app, raise_server_exceptions=False, headers=headers or {})

    def as_user(self, user_id: int, **claims: Any) -> "Client":
        """A client with a token; see `sign` for the claims."""
        return self.with_token(sign(user_id, **claims))

    def with_token(self, token: str, scheme: str = "Bearer") -> "Client":
        """A client with this very token."""
        return Client(self._app, {"Authorization": f"{scheme} {token}"})

    def request(
        self, method: str, path: str, *, json: Any = None, headers: dict[str, str] | None = None, **rest: Any
    ) -> Any:
        """One request. A body with `data` or `errors` goes out as JSON:API, any other as plain JSON."""
        sent = dict(headers or {})
        if json is not None and not any(name.lower() == "content-type" for name in sent):
            is_document = isinstance(json, dict) and isinstance(json.get("data"), dict) and "type" in json["data"]
            sent["Content-Type"] = JSON_API if is_document else JSON
        return self._http.request(method, path, json=json, headers=sent, **rest)

    def get(self, path: str, **rest: Any) -> Any:
        """GET."""
        return self.request("GET", path, **rest)

    def post(self, path: str, **rest: Any) -> Any:
        """POST."""
        return self.request("POST", path, **rest)

    def patch(self, path: str, **rest: Any) -> Any:
        """PATCH."""
        return self.request("PATCH", path, **rest)

    def delete(self, path: str, **rest: Any) -> Any:
        """DELETE."""
        return self.request("DELETE", path, **rest)


@contextmanager
def scratch_database(server_url: str, name: str) -> Iterator[str]:
    """An empty database that is dropped at the end."""
    database = f"test_{name}_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}"')
    try:
        yield sa.make_url(server_url).set(database=database).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


def service_fixtures(service: Service, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """The fixtures of one service, for its conftest."""

    @pytest.fixture(scope="session")
    def database_url(postgres_url: str) -> Iterator[str]:
        with scratch_database(postgres_url, service.name) as url:
            migrate.upgrade(service, url)
            yield url

    @pytest.fixture(scope="module")
    def settings(database_url: str) -> Any:
        given = {
            "DATABASE_URL": database_url,
            "BROKER_URL": database_url,
            "SERVICE_SECRET": SECRET,
            "CALLER_SECRETS": ",".join(f"{name}={rpc.digest(SECRET)}" for name in PEERS),
            **(environment or {}),
        }
        return load(service.settings, given)

    @pytest.fixture(scope="module")
    def app(settings: Any) -> Iterator[Any]:
        db.configure(settings.database_url)
        rpc.configure(rpc.Peers(service.name, SECRET, dict.fromkeys(PEERS, "127.0.0.1:1")))
        if service.prepare is not None:
            service.prepare(settings, ["test"])
        checks = {"database": db.is_reachable}
        yield create_app(service.name, service.spec, checks, threads=8, metadata=service.metadata[0])
        if service.stop is not None:
            service.stop()
        db.engine().dispose()

    @pytest.fixture(autouse=True)
    def clean(app: Any, settings: Any) -> Iterator[None]:
        keyring = auth.Keyring(service.fetch_keys or fetch_test_keys)
        auth.configure(keyring)
        if service.fetch_keys is None:
            keyring.refresh()
        yield
        empty_tables(service)

    @pytest.fixture
    def client(app: Any) -> Client:
        return Client(app)

    @pytest.fixture(name="db")
    def session(app: Any) -> Iterator[Session]:
        with Session(db.engine(), expire_on_commit=False) as opened:
            yield opened

    @pytest.fixture
    def published(app: Any) -> Callable[..., list[Any]]:
        return published_messages

    @pytest.fixture
    def peer(app: Any) -> Iterator[Callable[..., None]]:
        with peers(service.name) as answer:
            yield answer

    fixtures = (database_url, settings, app, clean, client, session, published, peer)
    names = ("database_url", "settings", "app", "clean", "client", "db", "published", "peer")
    return dict(zip(names, fixtures, strict=True))


def empty_tables(service: Service) -> None:
    """Removes all rows and starts ids anew. Deleting a handful of rows costs an eighth of truncating many tables."""
    tables = [table for metadata in service.metadata for table in metadata.sorted_tables]
    deletes = [f'DELETE FROM "{table.name}"' for table in tables]  # noqa: S608 (names of our own models)
    with db.engine().begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # in whatever order
        connection.exec_driver_sql("; ".join(deletes))
        connection.exec_driver_sql(_RESTART_IDS)


_RESTART_IDS = """
SELECT setval(pg_get_serial_sequence(quote_ident(table_name), column_name), 1, false) FROM information_schema.columns
WHERE table_schema = 'public' AND (is_identity = 'YES' OR column_default LIKE 'nextval(%%')
"""


def published_messages(kind: type[Message] | None = None) -> list[Any]:
    """What the outbox holds, in order, decoded; only of one type if given."""
    with db.engine().connect() as connection:
        rows = connection.execute(sa.select(outbox).order_by(outbox.c.id)).all()
    decoded = [messages.catalogue().kind(row.type).message_class.FromString(row.payload) for row in rows]
    return [message for message in decoded if kind is None or isinstance(message, kind)]


@contextmanager
def peers(caller: str) -> Iterator[Callable[..., None]]:
    """Real gRPC servers whose answers are the test's functions: ``answer("events", GetOffer=lambda request: ...)``."""
    servers: list[Any] = []
    addresses = dict.fromkeys(PEERS, "127.0.0.1:1")

    def answer(name: str, **rpcs: Callable[[Any], Any]) -> None:
        module = import_module(f"proto.{name}.{name}_pb2")
        descriptor = module.DESCRIPTOR.services_by_name[name.capitalize()]
        add = getattr(import_module(f"proto.{name}.{name}_pb2_grpc"), f"add_{name.capitalize()}Servicer_to_server")
        implementation = type("Answers", (), {method.name: staticmethod(_unasked) for method in descriptor.methods})
        for method, function in rpcs.items():
            setattr(implementation, method, staticmethod(function))
        servicer = rpc.Servicer(descriptor, add, implementation())
        server, port = rpc.serve("127.0.0.1:0", [servicer], {peer: rpc.digest(SECRET) for peer in PEERS})
        servers.append(server)
        addresses[name] = f"127.0.0.1:{port}"
        rpc.configure(rpc.Peers(caller, SECRET, addresses))

    try:
        yield answer
    finally:
        for server in servers:
            server.stop(None)
        rpc.configure(rpc.Peers(caller, SECRET, dict.fromkeys(PEERS, "127.0.0.1:1")))


def _unasked(request: Any) -> Any:
    raise AssertionError(f"the test expects no such call: {request!r}")
