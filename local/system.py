"""The whole system on one machine: who runs, with which environment, in which order.

`make up`, the journeys and the benchmark all start this same system, on other ports and in another folder. By default the
database is PostgreSQL from the wheel and the broker a queue inside it; both can be given instead.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

import services
from gateway.config import SERVICES
from local.ports import free_port
from local.postgres import EmbeddedPostgres
from local.process import NotReady, Process
from local.secrets import LocalSecrets, load_or_make
from local.service_databases import create_service_databases

Say = Callable[[str], None]
Route = Callable[[str, str, int], int]
DEFAULT_PORTS = {"amqp": 5672, "postgresql": 5432}
RATE_PER_MINUTE = 60_000  # generous: nobody attacks a laptop
RATE_AUTH_PER_MINUTE = 6_000
LIMITS_OF_ACCOUNTS = (  # each per quarter of an hour or per hour: here the gateway's limits are felt first
    "LOGIN_ATTEMPTS_PER_ACCOUNT",
    "LOGIN_ATTEMPTS_PER_ADDRESS",
    "MAILS_PER_ACCOUNT",
    "MAILS_PER_ADDRESS",
    "EMAIL_CHECKS_PER_ADDRESS",
    "SIGN_UPS_PER_ADDRESS",
)


@dataclass(frozen=True)
class Ports:
    """Where everything listens, on 127.0.0.1."""

    gateway: int = 8080
    postgres: int = 54329
    stripe: int = 8201
    paypal: int = 8202
    http: Mapping[str, int] = field(default_factory=lambda: {name: 8101 + at for at, name in enumerate(SERVICES)})
    grpc: Mapping[str, int] = field(default_factory=lambda: {name: 9101 + at for at, name in enumerate(SERVICES)})

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nobody uses now."""
        return cls(
            gateway=free_port(),
            postgres=free_port(),
            stripe=free_port(),
            paypal=free_port(),
            http={name: free_port() for name in SERVICES},
            grpc={name: free_port() for name in SERVICES},
        )

    def by_listener(self) -> dict[str, int]:
        """Every port by who listens there, in words."""
        single = {
            "the gateway": self.gateway,
            "PostgreSQL": self.postgres,
            "fake Stripe": self.stripe,
            "fake PayPal": self.paypal,
        }
        return single | dict(self.http) | {f"{name}'s gRPC": port for name, port in self.grpc.items()}


class System:
    """PostgreSQL, two fake payment providers, five services and the gateway, with all data under `folder`.

    `server_url` names a PostgreSQL to use instead of the embedded one (as its superuser), `broker_url` a RabbitMQ,
    `settings` further environment for every process. `route` says on which port of 127.0.0.1 a caller reaches somebody
    (who listens on the given port): a test puts something in between.
    """

    def __init__(
        self,
        folder: Path,
        ports: Ports | None = None,
        *,
        server_url: str | None = None,
        broker_url: str | None = None,
        database_prefix: str = "stagedoor_",
        settings: Mapping[str, str] | None = None,
        route: Route = lambda caller, callee, port: port,
        say: Say = lambda _: None,
    ) -> None:
        self.folder = folder.absolute()
        self.ports = ports or Ports()
        self.say = say
        self.secrets: LocalSecrets = load_or_make(self.folder / "secrets.json")
        self.postgres = None if server_url else EmbeddedPostgres(self.folder / "postgres", self.ports.postgres)
        self._server_url = server_url
        self._broker_url = broker_url
        self._database_prefix = database_prefix
        self._settings = dict(settings or {})
        self._route = route
        self.processes: dict[str, Process] = {}
        self.database_urls: dict[str, str] = {}

    @property
    def url(self) -> str:
        """The gateway."""
        return f"http://127.0.0.1:{self.ports.gateway}"

    @property
    def mail_folder(self) -> Path:
        """Where mails land as .eml files."""
        return self.folder / "mail"

    def start(self, timeout_seconds: float = 120) -> None:
        """Everything up and ready. Raises NotReady with the log of what is not."""
        deadline = time.monotonic() + timeout_seconds
        self.prepare()
        for process in self.processes.values():
            process.start()
        for process in self.processes.values():
            process.wait_ready(deadline)
            self.say(f"{process.name} is ready")

    def prepare(self) -> None:
        """Database up, databases and roles there, migrations done, processes described but not started."""
        server_url = self._server_url or self._start_postgres()
        urls = create_service_databases(server_url, self.secrets.database, prefix=self._database_prefix)
        self.database_urls = urls
        if self._broker_url is None:
            self._broker_url = urls["broker"]
        self._migrate(urls)
        self.processes = {process.name: process for process in self._describe(urls)}

    def stop(self) -> None:
        """Everything down, in order: first those who take requests, last what keeps the data. Nothing is lost."""
        order = [
            [name for name in self.processes if name == "gateway"],
            [name for name in self.processes if name in SERVICES],
            [name for name in self.processes if name not in SERVICES and name != "gateway"],
        ]
        for names in order:
            for name in names:
                self.processes[name].ask_to_stop()
            for name in names:
                self.processes[name].wait_stopped()
        if self.postgres is not None:
            self.postgres.stop()

    def __enter__(self) -> "System":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_postgres(self) -> str:
        assert self.postgres is not None  # noqa: S101 (without a server_url there is one)
        url = self.postgres.start()
        self.say("PostgreSQL is ready")
        return url

    def _migrate(self, urls: Mapping[str, str]) -> None:
        behind = [name for name in SERVICES if _version(urls[name]) != _newest_version(name)]
        migrating = [
            subprocess.Popen(
                [sys.executable, "-m", "chassis.migrate", f"services.{name}"],
                env={**os.environ, "DATABASE_URL": urls[name]},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for name in behind
        ]
        said = [process.communicate()[0] for process in migrating]
        for name, process, output in zip(behind, migrating, said, strict=True):
            if process.returncode != 0:
                raise NotReady(f"The database of {name} could not be migrated:\n{output}")
        self.say("databases are migrated" if behind else "databases are up to date")

    def _describe(self, urls: Mapping[str, str]) -> list[Process]:
        fakes = [
            self._fake(name, port) for name, port in (("stripe", self.ports.stripe), ("paypal", self.ports.paypal))
        ]
        services = [self._service(name, urls[name]) for name in SERVICES]
        return [*fakes, *services, self._gateway()]

    def _fake(self, name: str, port: int) -> Process:
        secret = self.secrets.stripe_webhook_secret if name == "stripe" else self.secrets.paypal_client_secret
        arguments = {
            "--port": str(port),
            "--books": str(self.folder / "fakes" / f"{name}.db"),
            "--webhook-url": f"{self._to(name, 'gateway', self.ports.gateway)}/v1/webhooks/{name}",
            "--webhook-secret" if name == "stripe" else "--client-secret": secret,
        }
        if name == "paypal":
            arguments["--client-id"] = self.secrets.paypal_client_id
            arguments["--webhook-id"] = "WH-STAGEDOOR"
        command = [sys.executable, "-m", f"local.fakes.{name}", *(part for pair in arguments.items() for part in pair)]
        return Process(f"fake {name}", command, {}, self._log(name), f"http://127.0.0.1:{port}/_control/books")

    def _service(self, name: str, database_url: str) -> Process:
        environment = {
            **self._addresses(name),
            "DATABASE_URL": self._detour(name, "postgres", database_url),
            "BROKER_URL": self._detour(name, "broker", self._broker_url or ""),
            "HTTP_ADDRESS": f"127.0.0.1:{self.ports.http[name]}",
            "GRPC_ADDRESS": f"127.0.0.1:{self.ports.grpc[name]}",
            "SERVICE_SECRET": self.secrets.service[name],
            "CALLER_SECRETS": self.secrets.caller_secrets(),
            "PUBLIC_URL": self.url,
            "FRONTEND_URL": self.url,
            "MAIL_URL": self.mail_folder.as_uri(),
            "STORAGE_URL": (self.folder / "files").as_uri(),
            **self._own(name),
            **self._settings,
        }
        command = [sys.executable, "-m", "chassis.run", f"services.{name}", "--roles", "api,grpc,worker"]
        return Process(name, command, environment, self._log(name), f"http://127.0.0.1:{self.ports.http[name]}/readyz")

    def _own(self, name: str) -> dict[str, str]:
        secrets = self.secrets
        return {
            "accounts": {
                "KEY_ENCRYPTION_SECRET": f"1:{secrets.key_encryption_key}",
                "SUPER_ADMIN_EMAIL": "admin@example.com",
                "SUPER_ADMIN_PASSWORD": secrets.super_admin_password,
                **dict.fromkeys(LIMITS_OF_ACCOUNTS, "100000"),
            },
            "payments": {
                "STRIPE_API_BASE": self._to("payments", "stripe", self.ports.stripe),
                "STRIPE_CONNECT_BASE": self._to("payments", "stripe", self.ports.stripe),
                "STRIPE_SECRET_KEY": secrets.stripe_key,
                "STRIPE_WEBHOOK_SECRET": secrets.stripe_webhook_secret,
                "PAYPAL_API_BASE": self._to("payments", "paypal", self.ports.paypal),
                "PAYPAL_CLIENT_ID": secrets.paypal_client_id,
                "PAYPAL_CLIENT_SECRET": secrets.paypal_client_secret,
                "PAYPAL_WEBHOOK_ID": "WH-STAGEDOOR",
                "SECRETS_KEYS": f"1:{secrets.encryption_key}",
            },
            "tickets": {"TICKET_SIGNING_KEYS": f"1:{secrets.ticket_signing_key}"},
        }.get(name, {})

    def _gateway(self) -> Process:
        environment = {
            **self._addresses("gateway"),
            "BROKER_URL": self._detour("gateway", "broker", self._broker_url or ""),
            "HTTP_ADDRESS": f"127.0.0.1:{self.ports.gateway}",
            "SERVICE_SECRET": self.secrets.service["gateway"],
            "RATE_PER_MINUTE": str(RATE_PER_MINUTE),
            "RATE_AUTH_PER_MINUTE": str(RATE_AUTH_PER_MINUTE),
            **self._settings,
        }
        command = [sys.executable, "-m", "gateway.main"]
        return Process("gateway", command, environment, self._log("gateway"), f"{self.url}/readyz")

    def _addresses(self, caller: str) -> dict[str, str]:
        """Of those whom a service or the gateway may call."""
        grpc = {
            f"{name.upper()}_GRPC": f"127.0.0.1:{self._route(caller, f'{name} grpc', port)}"
            for name, port in self.ports.grpc.items()
            if name != caller and (caller != "gateway" or name == "accounts")
        }
        if caller != "gateway":
            return grpc
        return grpc | {f"{name.upper()}_HTTP": self._to(caller, name, port) for name, port in self.ports.http.items()}

    def _to(self, caller: str, callee: str, port: int) -> str:
        return f"http://127.0.0.1:{self._route(caller, callee, port)}"

    def _detour(self, caller: str, callee: str, url: str) -> str:
        """A URL of a server on this machine, by the caller's way to it."""
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
        way = self._route(caller, callee, port)
        if way == port:
            return url
        return parts._replace(netloc=parts.netloc.rpartition("@")[0] + f"@127.0.0.1:{way}").geturl()

    def _log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"


def _newest_version(name: str) -> str:
    """Of a service's numbered migrations. Looked up by file name: importing five services takes seconds."""
    versions = Path(services.__path__[0]) / name / "migrations" / "versions"
    return max(path.name.partition("_")[0] for path in versions.glob("[0-9]*.py"))


def _version(url: str) -> str | None:
    """The version that a database has, None before its first migration."""
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None
