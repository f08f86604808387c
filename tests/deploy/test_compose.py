"""What an operator sets for the compose system reaches the process that reads it."""

import dataclasses
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config import SERVICES, GatewaySettings

ROOT = Path(__file__).parents[2]
OURS = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
# Where a container listens and where the others are: the compose file itself decides.
WIRING = {"HTTP_ADDRESS", "GRPC_ADDRESS", "METRICS_ADDRESS"}
WIRING |= {f"{name.upper()}_{end}" for name in SERVICES for end in ("GRPC", "HTTP")}
PROCESSES: list[tuple[str, Any]] = [("gateway", GatewaySettings)]
PROCESSES += [
    (f"{name}-{role}", import_module(f"services.{name}.main").SERVICE.settings)
    for name in SERVICES
    for role in ("api", "grpc", "worker")
]


@pytest.mark.parametrize(("process", "settings"), PROCESSES, ids=[name for name, _ in PROCESSES])
def test_every_setting_can_be_set(process: str, settings: Any) -> None:
    """A secret by a file; anything else by a line in .env, which a name without a value passes on as it is."""
    environment = OURS[process]["environment"]
    names = {each.metadata["name"]: each.metadata["secret"] for each in dataclasses.fields(settings)}
    closed = [
        name
        for name, is_secret in names.items()
        if name not in WIRING
        and environment.get(f"{name}_FILE") is None
        and (is_secret or name not in environment or "${" not in (environment[name] or "${"))
    ]
    assert closed == []


@pytest.mark.parametrize(("process", "settings"), PROCESSES, ids=[name for name, _ in PROCESSES])
def test_nothing_is_passed_on_that_nobody_reads(process: str, settings: Any) -> None:
    known = {each.metadata["name"] for each in dataclasses.fields(settings)}
    passed = {name.removesuffix("_FILE") for name in OURS[process]["environment"] if not name.startswith("OTEL_")}
    assert passed <= known


def test_every_line_of_the_example_is_read() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    names = {line.partition("=")[0] for line in lines if "=" in line and not line.startswith("#")}
    source = (ROOT / "docker-compose.yml").read_text()
    assert [name for name in sorted(names) if f"${{{name}" not in source and name != "COMPOSE_PROFILES"] == []
