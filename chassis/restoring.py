"""After one database alone was restored, while all others know newer things: `python -m chassis.restoring restored|reread`.

`restored`, once, in the restored database before its service starts: ids that were given after the backup are never given
again (others still hold rows that name them), and what the service keeps of others is read anew.
`reread`, in each other service's database: what it keeps of others is read anew, with the owner's new DATA_EPOCH.

DATABASE_URL (or DATABASE_URL_FILE) says which database. docs/operations.md has all steps.
"""

import argparse
import os
import sys
from pathlib import Path

import psycopg
from psycopg import sql

from chassis.config import MisconfiguredError

GAP = 1_000_000  # more ids than any table gives between two backups


def skip_ids(url: str, gap: int = GAP) -> int:
    """Moves every sequence that was ever used on by `gap`; how many."""
    with psycopg.connect(url) as db:
        used = db.execute(
            "SELECT schemaname, sequencename FROM pg_sequences WHERE last_value IS NOT NULL ORDER BY 1, 2"
        ).fetchall()
        for schema, name in used:
            sequence = sql.Identifier(schema, name)
            literal = sql.Literal(sequence.as_string(db))
            db.execute(
                sql.SQL("SELECT setval({}::regclass, last_value + {}) FROM {}").format(
                    literal, sql.Literal(gap), sequence
                )
            )
        return len(used)


def reread(url: str) -> int:
    """Forgets that replicas were filled, so that their job fills them again; how many. Services that read all of them
    whenever they start keep no such note."""
    with psycopg.connect(url) as db:
        if db.execute("SELECT to_regclass('replica_fills')").fetchone() == (None,):
            return 0
        return db.execute("DELETE FROM replica_fills").rowcount


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m chassis.restoring", description=__doc__)
    parser.add_argument("action", choices=["restored", "reread"])
    parser.add_argument("--gap", type=int, default=GAP, help="ids to skip: more than were given since the backup")
    arguments = parser.parse_args()
    url = os.environ.get("DATABASE_URL") or Path(os.environ.get("DATABASE_URL_FILE", os.devnull)).read_text().strip()
    if not url:
        raise MisconfiguredError("DATABASE_URL is missing (PostgreSQL of this service)")
    if arguments.action == "restored":
        _say(f"{skip_ids(url, arguments.gap)} sequences go on after {arguments.gap} ids that are never given")
    found = reread(url)
    _say(
        f"{found} replicas will be read anew" if found else "Restart this service's worker: it then reads what it keeps"
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
