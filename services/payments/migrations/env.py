"""Alembic's entrance; what it does is in the chassis."""

from chassis.migrate import run_env

run_env()
