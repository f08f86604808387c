"""Alembic for one service: `python -m chassis.migrate services.orders [upgrade|check|revision "why"]`.

Each service has its own numbered history under `migrations/versions` with one head. `upgrade` is safe to run in several
processes at once (an advisory lock) and on a live database: see docs/operations.md for how to write one. A version that
was gone back to finds a newer database and leaves it as it is.
"""

import argparse
import logging
import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import sqlalchemy as sa
from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import chassis.idempotency
import chassis.inbox
import chassis.outbox  # noqa: F401 (these three have tables)
from chassis.config import load, setting
from chassis.db import sqlalchemy_url
from chassis.service import Service

LOCK = 4_217_001
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """All that a migration reads."""

    database_url: str = setting("DATABASE_URL", doc="PostgreSQL of this service", secret=True)


def upgrade(service: Service, url: str) -> None:
    """Brings the database to the newest version; does nothing when it is there, or newer: who went back keeps newer tables."""
    newest, kept = max(heads(service)), max(_kept(url), default="")
    if kept > newest:  # they are numbered
        log.warning("the database is newer than this version", extra={"kept": kept, "newest": newest})
        return
    command.upgrade(_config(service, url), "head")


def pending(service: Service, url: str) -> list[str]:
    """What autogenerate would change: empty when models and migrations agree."""
    engine = sa.create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            differences = compare_metadata(MigrationContext.configure(connection), cast(Any, list(service.metadata)))
            return [str(each) for each in differences]
    finally:
        engine.dispose()


def heads(service: Service) -> list[str]:
    """The newest versions; more than one means that two branches were merged without care."""
    return list(ScriptDirectory.from_config(_config(service, "postgresql://")).get_heads())


def _kept(url: str) -> tuple[str, ...]:
    engine = sa.create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_heads()
    finally:
        engine.dispose()


def run_env() -> None:
    """What every service's `migrations/env.py` calls."""
    config = context.config
    engine = sa.create_engine(sqlalchemy_url(config.attributes["url"]))
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            connection.commit()
            context.configure(connection=connection, target_metadata=config.attributes["metadata"])
            with context.begin_transaction():
                context.run_migrations()
            connection.execute(sa.text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
            connection.commit()
    finally:
        engine.dispose()


def _config(service: Service, url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(service.spec.parent / "migrations"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["url"] = url
    config.attributes["metadata"] = list(service.metadata)
    return config


def _revise(service: Service, url: str, why: str) -> None:
    config = _config(service, url)
    known = len(list(ScriptDirectory.from_config(config).walk_revisions()))
    command.revision(config, why, autogenerate=True, rev_id=f"{known + 1:04d}")


def main() -> None:
    """The command line; DATABASE_URL (or DATABASE_URL_FILE) says where."""
    parser = argparse.ArgumentParser(prog="python -m chassis.migrate", description=__doc__)
    parser.add_argument("package", help="services.orders, say")
    parser.add_argument("action", nargs="?", default="upgrade", choices=["upgrade", "check", "revision"])
    parser.add_argument("why", nargs="?", default="change")
    arguments = parser.parse_args()
    service: Service = import_module(f"{arguments.package}.main").SERVICE
    url = load(Settings, os.environ).database_url
    if arguments.action == "upgrade":
        upgrade(service, url)
    elif arguments.action == "revision":
        _revise(service, url, arguments.why)
    elif differences := pending(service, url):
        sys.exit("models and migrations differ:\n" + "\n".join(differences))


if __name__ == "__main__":
    main()
