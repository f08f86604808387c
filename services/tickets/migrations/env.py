"""Alembic's entrance; everything is in the chassis."""

from chassis.migrate import run_env

run_env()
