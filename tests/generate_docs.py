"""`make docs`: docs/settings.md and docs/replicas.md out of what the code declares, so that it is documented once."""

import dataclasses
from dataclasses import MISSING
from importlib import import_module
from pathlib import Path
from typing import Any

from chassis.config import ServiceSettings
from chassis.replicas import Replica
from gateway.config import SERVICES, GatewaySettings

DOCS = Path(__file__).resolve().parent.parent / "docs"
REPLICAS = """# Replicas

What each service keeps of the others' resources, so that its reads need nobody else. Rows are fed by messages that carry
full state; what is not newer by (epoch, version) is ignored, deletion leaves a tombstone, and a new replica is filled
from its owner's `Snapshot…` RPC. Every row also has `id` (the owner's), `epoch`, `version` and `is_deleted`. Who may see
a row is declared once per type, at its `Resource` in the service's `api/`, and holds for include, filter and sort alike.
This page is made from the code by `make docs`."""
KEPT_BY_EVERY_REPLICA = ("id", "epoch", "version", "is_deleted")


def settings_page() -> str:
    """The whole page."""
    common = frozenset(_told(each) for each in dataclasses.fields(ServiceSettings))
    parts = [
        "# Settings\n",
        "Every process reads its settings from the environment, once, at the start; a missing or malformed one stops the",
        "start with a sentence that names it. Any of them may come from a file instead: `NAME_FILE` names the file (secrets",
        "belong there). This page is made from the code by `make docs`.\n",
        "## All services\n",
        _table(ServiceSettings, frozenset()),
    ]
    for name in SERVICES:
        own = import_module(f"services.{name}.main").SERVICE.settings
        parts += [f"\n## {name}\n", _table(own, common)]
    parts += ["\n## gateway\n", _table(GatewaySettings, frozenset())]
    return "\n".join(parts) + "\n"


def replicas_page() -> str:
    """The whole page."""
    parts = [REPLICAS]
    for name in SERVICES:
        import_module(f"services.{name}.main")
        models = [each for each in _subclasses(Replica) if each.__module__.startswith(f"services.{name}.")]
        parts += [f"\n## {name}\n", _replicas(models)]
    return "\n".join(parts) + "\n"


def _replicas(models: list[Any]) -> str:
    if not models:
        return "Keeps nothing of others."
    rows = ["| type | what | held | indexed |", "|---|---|---|---|"]
    for model in sorted(models, key=lambda each: str(each.__name__)):
        table = model.__table__
        held = ", ".join(column.name for column in table.columns if column.name not in KEPT_BY_EVERY_REPLICA)
        indexes = sorted(
            " + ".join(column.name for column in index.columns) or "an expression" for index in table.indexes
        )
        what = " ".join((model.__doc__ or "").split("\n\n")[0].split())
        rows.append(f"| {model.__name__} | {what} | {held} | {', '.join(['id', *indexes])} |")
    return "\n".join(rows)


def _subclasses(model: Any) -> list[Any]:
    found = [below for each in model.__subclasses__() for below in (each, *_subclasses(each))]
    return [each for each in found if "__table__" in vars(each)]


def _table(settings: Any, without: frozenset[str]) -> str:
    """What `without` does not say in the same words already: a service may have another default for a setting of all."""
    told = [_told(each) for each in dataclasses.fields(settings) if "name" in each.metadata]
    rows = [row for row in told if row not in without]
    return "\n".join(["| name | default | meaning |", "|---|---|---|", *rows]) if rows else "No settings of its own."


def _told(each: dataclasses.Field[Any]) -> str:
    default = "required" if each.default is MISSING else f"`{each.default}`" if each.default != "" else "empty"
    secret = " (secret)" if each.metadata["secret"] else ""
    return f"| `{each.metadata['name']}` | {default} | {each.metadata['doc']}{secret} |".replace("\n", " ")


if __name__ == "__main__":
    DOCS.mkdir(parents=True, exist_ok=True)
    (DOCS / "settings.md").write_text(settings_page(), encoding="utf-8")
    (DOCS / "replicas.md").write_text(replicas_page(), encoding="utf-8")
