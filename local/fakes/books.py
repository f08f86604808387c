"""What a provider remembers: one SQLite file, every commit on disk before anybody hears of it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

Document = dict[str, Any]

TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, account TEXT NOT NULL,
    parent TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (kind, id));
CREATE INDEX IF NOT EXISTS objects_by_account ON objects (kind, account, seq);
CREATE INDEX IF NOT EXISTS objects_by_parent ON objects (kind, parent, seq) WHERE parent <> '';
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS faults (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, type TEXT NOT NULL, url TEXT NOT NULL,
    secret TEXT NOT NULL, body BLOB NOT NULL, state TEXT NOT NULL, due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, status INTEGER, behind INTEGER, fault INTEGER);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Kept:
    """The first answer to a request with an idempotency key."""

    fingerprint: str
    status: int
    body: bytes


class Books:
    """Objects are JSON documents with an `id`, kept per kind and account, listed newest first."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A checker may hold the file open; a writer waits for it instead of failing.
        self.db = sqlite3.connect(path, isolation_level=None, timeout=10)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.executescript(TABLES)

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Return commits, raise rolls back."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def get(self, kind: str, identifier: str, account: str | None = None) -> Document | None:
        """None when it does not exist, or belongs to another account than the given one."""
        row = self.db.execute(
            "SELECT body, account FROM objects WHERE kind = ? AND id = ?", (kind, identifier)
        ).fetchone()
        return orjson.loads(row[0]) if row and account in (None, row[1]) else None

    def put(self, kind: str, document: Document, *, account: str = "", parent: str = "") -> None:
        """Adds it, or replaces what it said before; account, parent and place in the list never change."""
        self.db.execute(
            "INSERT INTO objects (kind, id, account, parent, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, document["id"], account, parent, orjson.dumps(document)),
        )

    def account_of(self, kind: str, identifier: str) -> str:
        row = self.db.execute("SELECT account FROM objects WHERE kind = ? AND id = ?", (kind, identifier)).fetchone()
        return str(row[0])

    def remove(self, kind: str, identifier: str) -> None:
        self.db.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, identifier))

    def children(self, kind: str, parent: str) -> list[Document]:
        """Newest first."""
        rows = self.db.execute(
            "SELECT body FROM objects WHERE kind = ? AND parent = ? ORDER BY seq DESC", (kind, parent)
        )
        return [orjson.loads(body) for (body,) in rows]

    def listed(self, kind: str, account: str) -> Iterator[Document]:
        """Newest first, read while you iterate."""
        rows = self.db.execute(
            "SELECT body FROM objects WHERE kind = ? AND account = ? ORDER BY seq DESC", (kind, account)
        )
        return (orjson.loads(body) for (body,) in rows)

    def every(self, kind: str) -> list[Document]:
        """Of all accounts, oldest first, with the account's name added: for the checker."""
        rows = self.db.execute("SELECT body, account FROM objects WHERE kind = ? ORDER BY seq", (kind,))
        return [{**orjson.loads(body), "_account": account} for body, account in rows]

    def kept_answer(self, key: str) -> Kept | None:
        row = self.db.execute("SELECT fingerprint, status, body FROM answers WHERE key = ?", (key,)).fetchone()
        return Kept(*row) if row else None

    def keep_answer(self, key: str, kept: Kept) -> None:
        self.db.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", (key, kept.fingerprint, kept.status, kept.body))

    def setting(self, name: str) -> str | None:
        row = self.db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def forget_everything(self) -> None:
        """All but the settings, which hold the provider's own keys."""
        with self.transaction():
            for table in ("objects", "answers", "faults", "deliveries"):
                self.db.execute(f"DELETE FROM {table}")  # noqa: S608 (names from the line above)
