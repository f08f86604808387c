"""`make docs`: docs/settings.md out of the settings that the code declares, so that every name is documented once."""

import dataclasses
from dataclasses import MISSING
from importlib import import_module
from pathlib import Path
from typing import Any

from chassis.config import ServiceSettings
from gateway.config import SERVICES, GatewaySettings

TARGET = Path(__file__).resolve().parent.parent / "docs" / "settings.md"


def settings_page() -> str:
    """The whole page."""
    common = {each.name for each in dataclasses.fields(ServiceSettings)}
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
        parts += [f"\n## {name}\n", _table(own, frozenset(common))]
    parts += ["\n## gateway\n", _table(GatewaySettings, frozenset())]
    return "\n".join(parts) + "\n"


def _table(settings: Any, without: frozenset[str]) -> str:
    rows = ["| name | default | meaning |", "|---|---|---|"]
    for each in dataclasses.fields(settings):
        if each.name in without or "name" not in each.metadata:
            continue
        default = "required" if each.default is MISSING else f"`{each.default}`" if each.default != "" else "empty"
        secret = " (secret)" if each.metadata["secret"] else ""
        rows.append(f"| `{each.metadata['name']}` | {default} | {each.metadata['doc']}{secret} |".replace("\n", " "))
    return "\n".join(rows) if len(rows) > 2 else "No settings of its own."


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(settings_page(), encoding="utf-8")
