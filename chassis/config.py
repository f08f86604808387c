"""Environment in, frozen settings out. A missing or malformed name stops the start with a sentence that says which.

A service declares its settings as a frozen dataclass of `setting(...)` fields; `docs/settings.md` is generated from them,
so that every name is documented once. A secret may come from a file: ``DATABASE_URL_FILE`` names a file whose content is
the value of ``DATABASE_URL``.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

T = TypeVar("T")
BaseUrl = Annotated[str, "paths are put behind it: a slash at its end is left out"]


class MisconfiguredError(SystemExit):
    """The process cannot start with this environment."""


def setting(name: str, *, doc: str, default: Any = MISSING, secret: bool = False) -> Any:
    """One name of the environment. `doc` is what an operator reads; a `secret` is never shown."""
    metadata = {"name": name, "doc": doc, "secret": secret}
    if default is MISSING:
        return field(metadata=metadata, repr=not secret)
    return field(default=default, metadata=metadata, repr=not secret)


def load(cls: type[T], environment: Mapping[str, str]) -> T:
    """The settings that the environment gives. Raises MisconfiguredError that names every missing or malformed one."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    hints = get_type_hints(cls, include_extras=True)
    for each in dataclasses.fields(cls):  # type: ignore[arg-type]
        name = each.metadata["name"]
        try:
            text = _text(name, environment)
            if text is not None:
                values[each.name] = _convert(text, hints[each.name])
            elif each.default is MISSING:
                problems.append(f"{name} is missing ({each.metadata['doc']})")
        except (ValueError, OSError) as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise MisconfiguredError(f"Cannot start {cls.__module__}: " + "; ".join(problems))
    return cls(**values)


class Held(Generic[T]):
    """The settings of this process; `name` is the module that holds them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._settings: T | None = None

    def configure(self, settings: T) -> None:
        """Binds this process to its settings."""
        self._settings = settings

    def current(self) -> T:
        """The settings of this process. Raises RuntimeError before `configure`."""
        if self._settings is None:
            raise RuntimeError(f"{self._name}.configure() has not been called in this process")
        return self._settings


def _text(name: str, environment: Mapping[str, str]) -> str | None:
    if file := environment.get(f"{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    value = environment.get(name)
    return value if value != "" else None


def _convert(text: str, kind: Any) -> Any:
    if kind is bool:
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        if text.lower() in ("0", "false", "no", "off"):
            return False
        raise ValueError(f"{text!r} is neither true nor false")
    if kind is BaseUrl:
        return text.rstrip("/")
    if kind in (int, float, str):
        return kind(text)
    raise ValueError(f"settings of type {kind} are not known")


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """What every service reads. A service adds its own names in its `config.py`."""

    database_url: str = setting("DATABASE_URL", doc="PostgreSQL of this service", secret=True)
    broker_url: str = setting(
        "BROKER_URL", doc="amqp://… for RabbitMQ, postgresql://… for the embedded broker of one machine", secret=True
    )
    http_address: str = setting("HTTP_ADDRESS", doc="host:port of the HTTP server", default="127.0.0.1:8000")
    grpc_address: str = setting("GRPC_ADDRESS", doc="host:port of the gRPC server", default="127.0.0.1:9000")
    metrics_address: str = setting(
        "METRICS_ADDRESS", doc="host:port of health and metrics where a process serves no HTTP API", default=""
    )
    accounts_grpc: str = setting("ACCOUNTS_GRPC", doc="host:port of accounts", default="127.0.0.1:9101")
    events_grpc: str = setting("EVENTS_GRPC", doc="host:port of events", default="127.0.0.1:9102")
    orders_grpc: str = setting("ORDERS_GRPC", doc="host:port of orders", default="127.0.0.1:9103")
    payments_grpc: str = setting("PAYMENTS_GRPC", doc="host:port of payments", default="127.0.0.1:9104")
    tickets_grpc: str = setting("TICKETS_GRPC", doc="host:port of tickets", default="127.0.0.1:9105")
    service_secret: str = setting("SERVICE_SECRET", doc="what this service shows when it calls another", secret=True)
    caller_secrets: str = setting(
        "CALLER_SECRETS", doc="SHA-256 of the secrets of those who may call: name=hex,name=hex", default=""
    )
    public_url: BaseUrl = setting("PUBLIC_URL", doc="where people reach the gateway", default="http://127.0.0.1:8080")
    frontend_url: BaseUrl = setting("FRONTEND_URL", doc="where mailed links lead", default="http://127.0.0.1:8080")
    database_pool: int = setting("DATABASE_POOL", doc="database connections a process keeps at most", default=20)
    http_threads: int = setting("HTTP_THREADS", doc="requests a process works on at the same time", default=8)
    http_waiting_threads: int = setting(
        "HTTP_WAITING_THREADS",
        doc="requests beside those that may wait for somebody outside, as a payment provider",
        default=32,
    )
    grpc_threads: int = setting("GRPC_THREADS", doc="gRPC calls a process works on at the same time", default=8)
    traces_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        doc="an OpenTelemetry collector (OTLP over HTTP), http://collector:4318 say; empty: no traces are recorded",
        default="",
    )
    log_level: str = setting("LOG_LEVEL", doc="DEBUG, INFO, WARNING or ERROR", default="INFO")
    slow_request_seconds: float = setting("SLOW_REQUEST_SECONDS", doc="slower requests are logged as such", default=1.0)
