"""Alembic's entrance; see chassis/migrate.py."""

from chassis.migrate import run_env

run_env()
