"""One database and one role per service; nobody else connects to it."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

# Two callers at once take turns: PostgreSQL has no CREATE ROLE IF NOT EXISTS.
TURN = 7_311_009


def create_service_databases(
    superuser_url: str, services: Mapping[str, str], *, prefix: str = "stagedoor_"
) -> dict[str, str]:
    """Makes sure of a role and a database per service (name to password); answers each service's URL.

    Called again it changes nothing but the passwords. Data is never touched.
    """
    with psycopg.connect(superuser_url, autocommit=True) as db:
        db.execute("SELECT pg_advisory_lock(%s)", [TURN])
        for service, password in services.items():
            _ensure_role(db, service, password)
            _ensure_database(db, prefix + service, owner=service)
    return {service: _url(superuser_url, service, password, prefix) for service, password in services.items()}


def _ensure_role(db: "psycopg.Connection[tuple[object, ...]]", role: str, password: str) -> None:
    if not db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
        db.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    # Only the verifier travels, so that no server log ever holds the password.
    verifier = db.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    db.execute(
        sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(verifier)
        )
    )


def _ensure_database(db: "psycopg.Connection[tuple[object, ...]]", name: str, *, owner: str) -> None:
    if not db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        # From template0, which nobody can be connected to, so that creating never waits for another session.
        db.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                sql.Identifier(name), sql.Identifier(owner)
            )
        )
    db.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(owner)))
    db.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def _url(superuser_url: str, service: str, password: str, prefix: str) -> str:
    server = urlsplit(superuser_url).netloc.rpartition("@")[2]
    return f"postgresql://{quote(service)}:{quote(password, safe='')}@{server}/{prefix}{service}"
