"""The walls of the house: what may know of what. See docs/decisions/ for the reasons."""

import ast
import dataclasses
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from chassis import messages, migrate, spec
from chassis.auth import Requirement
from chassis.config import ServiceSettings
from chassis.inbox import Dispatcher, consumers_in
from chassis.service import Service
from chassis.testing import scratch_database
from gateway.config import SERVICES, GatewaySettings
from gateway.main import specs
from gateway.routing import RoutingTable
from proto import options_pb2
from proto.generate import GENERATED, generated
from tests.generate_docs import replicas_page, settings_page

ROOT = Path(__file__).resolve().parent.parent
DOES_IO = frozenset(
    [
        "socket",
        "ssl",
        "http",
        "urllib",
        "requests",
        "sqlite3",
        "subprocess",
        "asyncio",
        "threading",
        "multiprocessing",
        "flask",
        "sqlalchemy",
        "psycopg",
        "pika",
        "grpc",
        "connexion",
        "stripe",
        "paypalrestsdk",
        "smtplib",
        "os",
        "shutil",
        "tempfile",
    ]
)
RULES_MAY_USE_OF_CHASSIS = ("chassis.errors", "chassis.money")


def service(name: str) -> Service:
    found: Service = import_module(f"services.{name}.main").SERVICE
    return found


def python_files(*folders: str) -> list[Path]:
    """Of each folder some: a wall around a folder that is not there would guard nothing."""
    found = {folder: sorted((ROOT / folder).rglob("*.py")) for folder in folders}
    assert all(found.values()), found
    paths = [path for folder in folders for path in found[folder]]
    return [path for path in paths if "tests" not in path.parts and "_pb2" not in path.name]


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def strangers(path: Path, forbidden: tuple[str, ...]) -> list[str]:
    return [name for name in imports_of(path) if name.split(".")[0] in forbidden or name.startswith(forbidden)]


@pytest.mark.parametrize("path", python_files("chassis", "proto"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_chassis_knows_no_service(path: Path) -> None:
    assert strangers(path, ("services", "gateway", "local.system")) == []


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_imports_another_or_what_stands_around_it(name: str) -> None:
    others = tuple(f"services.{other}" for other in SERVICES if other != name)
    found = {str(path): strangers(path, (*others, "gateway", "local")) for path in python_files(f"services/{name}")}
    assert {path: names for path, names in found.items() if names} == {}


def test_the_gateway_knows_no_services_code() -> None:
    for path in python_files("gateway"):
        assert [name for name in imports_of(path) if name.startswith("services.")] == [], path


@pytest.mark.parametrize("name", SERVICES)
def test_rules_import_no_io(name: str) -> None:
    for path in python_files(f"services/{name}/domain"):
        imported = imports_of(path)
        assert {module.split(".")[0] for module in imported} & DOES_IO == set(), path
        from_chassis = {module for module in imported if module.startswith("chassis.")}
        assert {module for module in from_chassis if not module.startswith(RULES_MAY_USE_OF_CHASSIS)} == set(), path
        ours = {module for module in imported if module.startswith("services.")}
        assert {module for module in ours if not module.startswith(f"services.{name}.domain")} == set(), path


@pytest.mark.parametrize("name", SERVICES)
def test_every_operation_says_who_may_call_and_has_a_handler(name: str) -> None:
    document = spec.load(service(name).spec)
    seen: set[str] = set()
    for method, path, operation in spec.operations(document):
        Requirement.of(operation.get("security"))
        assert operation.get("responses"), f"{method} {path}"
        assert operation.get("summary"), f"{method} {path} says in no words what it does"
        handler = operation["operationId"]
        assert handler not in seen, f"{handler} serves two operations"
        seen.add(handler)
        module, _, function = handler.rpartition(".")
        assert module.startswith(f"services.{name}.api"), handler
        assert callable(getattr(import_module(module), function)), handler


def test_every_path_has_exactly_one_owner() -> None:
    table = RoutingTable(specs())
    assert len(table.routes) > 50


@pytest.mark.parametrize(
    ("method", "path", "owner"),
    [
        ("GET", "/v1/events/1/orders", "orders"),
        ("GET", "/v1/events/1/attendees", "orders"),
        ("GET", "/v1/events/1/tickets", "events"),
        ("GET", "/v1/events/abcd1234/tickets/availability", "events"),
        ("GET", "/v1/events/1/discount-codes", "events"),
        ("GET", "/v1/tickets/17", "events"),
        ("GET", "/v1/tickets/0d5b7c9e-1111-4222-8333-444455556666", "tickets"),
        ("GET", "/v1/orders/0d5b7c9e-1111-4222-8333-444455556666/tickets-pdf", "tickets"),
        ("GET", "/v1/orders/attendees/5.pdf", "tickets"),
        ("POST", "/v1/orders/0d5b7c9e-1111-4222-8333-444455556666/charge", "orders"),
        ("POST", "/v1/webhooks/stripe", "payments"),
        ("GET", "/v1/users/1/orders", "orders"),
        ("GET", "/v1/users/1", "accounts"),
        ("POST", "/auth/session", "accounts"),
        ("GET", "/v1/modules", "events"),
    ],
)
def test_nested_paths_belong_to_who_owns_the_answer(method: str, path: str, owner: str) -> None:
    route = RoutingTable(specs()).find(method, path)
    assert route is not None
    assert route.service == owner


def test_whoever_guesses_passwords_or_addresses_meets_the_stricter_limit() -> None:
    """Not who shows a token that nobody guesses: each client renews its own every few minutes, hundreds of one hall."""
    open_to_all = [
        route
        for route in RoutingTable(specs()).routes
        if route.service == "accounts" and route.requirement.role is None and route.method != "GET"
    ]
    assert {route.path for route in open_to_all if route.rate != "auth"} == {
        "/v1/auth/token/refresh",
        "/v1/auth/logout",
    }
    assert len(open_to_all) >= 10


def test_every_limit_of_the_gateway_limits_something() -> None:
    assert {route.rate for route in RoutingTable(specs()).routes} == {"default", "auth", "webhooks"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_message_has_a_consumer(name: str) -> None:
    if not messages.catalogue().heard_by(name):
        pytest.fail(f"{name} hears nothing")
    Dispatcher(name, consumers_in(service(name).consumers))


def test_every_message_is_published_by_its_owner() -> None:
    for kind in messages.catalogue():
        short = kind.name.rpartition(".")[2]
        texts = [path.read_text() for path in python_files(f"services/{kind.owner}")]
        assert any(short in text for text in texts), f"{kind.owner} never says {short}"


@pytest.mark.parametrize("name", SERVICES)
def test_every_rpc_declares_its_callers(name: str) -> None:
    descriptor = import_module(f"proto.{name}.{name}_pb2").DESCRIPTOR.services_by_name[name.capitalize()]
    for method in descriptor.methods:
        callers = set(method.GetOptions().Extensions[options_pb2.callers])
        assert callers, method.full_name
        assert callers <= {*SERVICES, "gateway"}, method.full_name


@cache
def names_in(folder: str) -> set[str]:
    """Attributes and texts: how a client names the RPC of a stub."""
    nodes = [node for path in python_files(folder) for node in ast.walk(ast.parse(path.read_text()))]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return texts | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("name", SERVICES)
def test_who_may_call_an_rpc_does_call_it(name: str) -> None:
    descriptor = import_module(f"proto.{name}.{name}_pb2").DESCRIPTOR.services_by_name[name.capitalize()]
    idle = [
        f"{caller} never calls {method.full_name}"
        for method in descriptor.methods
        for caller in method.GetOptions().Extensions[options_pb2.callers]
        if method.name not in names_in("gateway" if caller == "gateway" else f"services/{caller}") | names_in("chassis")
    ]
    assert idle == []


@pytest.mark.parametrize("name", SERVICES)
def test_one_migration_head_that_agrees_with_the_models(name: str, postgres_url: str) -> None:
    assert len(migrate.heads(service(name))) == 1
    with scratch_database(postgres_url, name) as url:
        migrate.upgrade(service(name), url)
        assert migrate.pending(service(name), url) == []


def test_generated_code_is_what_the_proto_files_say() -> None:
    kept = (path for pattern in GENERATED for path in (ROOT / "proto").rglob(pattern))
    stored = {path.relative_to(ROOT / "proto"): path.read_bytes() for path in kept}
    assert stored == generated(), "run `make proto`"


def test_settings_and_replicas_are_documented_once() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_page(), "run `make docs`"
    assert (ROOT / "docs" / "replicas.md").read_text() == replicas_page(), "run `make docs`"


def test_a_service_with_another_default_than_all_others_says_so() -> None:
    of_payments = settings_page().partition("## payments\n")[2].partition("\n## ")[0]
    assert "| `GRPC_THREADS` | `32` |" in of_payments
    assert "| `HTTP_THREADS` |" not in of_payments


def attributes_read_in(*folders: str) -> set[str]:
    paths = [path for path in python_files(*folders) if path.name != "config.py"]
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text())))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}


@pytest.mark.parametrize("name", SERVICES)
def test_every_setting_of_a_service_is_read(name: str) -> None:
    own = {each.name for each in dataclasses.fields(service(name).settings)}
    of_all = {each.name for each in dataclasses.fields(ServiceSettings)}
    assert own - of_all - attributes_read_in("chassis", f"services/{name}") == set()
    assert of_all - attributes_read_in("chassis", "services") == set()


def test_every_setting_of_the_gateway_is_read() -> None:
    by_name = {f"{each}_http" for each in SERVICES}  # by GatewaySettings.upstreams
    fields = {each.name for each in dataclasses.fields(GatewaySettings)}
    assert fields - by_name - attributes_read_in("gateway", "chassis") == set()


def test_a_charge_is_answered_before_the_gateway_gives_up() -> None:
    """Otherwise a buyer hears 503 `answer-lost` instead of 202: the gateway's clock starts first."""
    orders: Any = service("orders").settings  # a default of a dataclass is an attribute of the class
    assert orders.charge_timeout_seconds + 2 < GatewaySettings.upstream_timeout_seconds


def test_no_todo_stands() -> None:
    marks: list[Any] = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in python_files("chassis", "services", "gateway", "local")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if any(mark in line for mark in ("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error"))
    ]
    assert marks == []
