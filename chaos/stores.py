"""What the checker may look at: the databases, the providers' books, the mail folder, the storage. No service code."""

import email
import email.policy
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.rows import DictRow, dict_row

from chaos.rabbitmq import RabbitMQ

Row = dict[str, Any]


@dataclass(frozen=True)
class Mail:
    """One .eml file: to whom, and the names of what it carries."""

    recipient: str
    attachments: tuple[str, ...]


@dataclass
class World:
    """All that is left of a round, as plain rows: those of one event, and what must be true of the system as a whole."""

    event_id: int
    orders: list[Row] = field(default_factory=list)
    attendees: list[Row] = field(default_factory=list)  # those in orders
    stock: list[Row] = field(default_factory=list)
    code_uses: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)  # refunds as orders decided them
    payments: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)  # as payments carried them out
    transfers: list[Row] = field(default_factory=list)
    tickets: list[Row] = field(default_factory=list)
    papers: list[Row] = field(default_factory=list)  # orders as tickets knows them
    captures: list[Row] = field(default_factory=list)  # the providers' books: payment_id, amount_minor, id
    given_back: list[Row] = field(default_factory=list)  # … and refunds: payment_id, amount_minor, ours
    waiting: dict[str, int] = field(default_factory=dict)  # what is not done yet, by name
    dead: list[str] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)  # by storage key
    now: float = 0.0


class Stores:
    """Open connections in one transaction each: what a negative control damages is seen by `read` and by nobody else."""

    def __init__(self, database_urls: Mapping[str, str], folder: Path, rabbitmq: RabbitMQ | None = None) -> None:
        self.databases: dict[str, psycopg.Connection[DictRow]] = {
            name: psycopg.connect(url, row_factory=dict_row) for name, url in database_urls.items()
        }
        self.books = {name: _open_books(folder / "fakes" / f"{name}.db") for name in ("stripe", "paypal")}
        self.rabbitmq = rabbitmq
        self.mail_folder = folder / "mail"
        self.file_folder = folder / "files"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.forget()
        for connection in self.databases.values():
            connection.close()
        for book in self.books.values():
            book.close()

    def forget(self) -> None:
        """Undoes all damage."""
        for connection in self.databases.values():
            connection.rollback()
        for book in self.books.values():
            book.rollback()

    def rows(self, service: str, statement: str, *parameters: Any) -> list[Row]:
        """What a database says."""
        cursor = self.databases[service].execute(statement.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []

    def count(self, service: str, statement: str) -> int:
        """The one number that a statement answers."""
        return int(next(iter(self.rows(service, statement)[0].values())))

    def objects(self, provider: str, kind: str) -> list[Row]:
        """What a provider remembers."""
        rows = self.books[provider].execute("SELECT body FROM objects WHERE kind = ? ORDER BY seq", (kind,))
        return [json.loads(body) for (body,) in rows]

    def waiting(self) -> dict[str, int]:
        """What the whole system still has to do; all 0 when it is calm."""
        services = [name for name in self.databases if name != "broker"]
        found = {f"outbox of {name}": self.count(name, "SELECT count(*) FROM outbox") for name in services}
        found["messages"] = sum(count for queue, count in self._queued().items() if not queue.endswith(".dead"))
        for name in ("accounts", "events", "tickets"):
            found[f"mails of {name}"] = self.count(name, "SELECT count(*) FROM mail WHERE status = 'queued'")
        for name, (service, statement) in UNDONE.items():
            found[name] = self.count(service, statement)
        return found

    def read(self, event_id: int, *, with_files: bool = True) -> World:
        """Everything about one event."""
        of_event = "WHERE event_id = %s"
        in_orders = "WHERE order_id IN (SELECT id FROM orders WHERE event_id = %s)"
        of_payments = "WHERE payment_id IN (SELECT id FROM payments WHERE event_id = %s)"
        world = World(
            event_id,
            orders=self.rows("orders", f"SELECT * FROM orders {of_event} ORDER BY id", event_id),
            attendees=self.rows("orders", f"SELECT * FROM attendees {in_orders} ORDER BY id", event_id),
            stock=self.rows("orders", f"SELECT * FROM stock {of_event}", event_id),
            code_uses=self.rows("orders", CODE_USES, event_id, event_id),
            decisions=self.rows("orders", f"SELECT * FROM refunds {in_orders}", event_id),
            payments=self.rows("payments", f"SELECT * FROM payments {of_event}", event_id),
            refunds=self.rows("payments", f"SELECT * FROM refunds {of_payments}", event_id),
            transfers=self.rows("payments", f"SELECT * FROM ledger_transfers {of_payments}", event_id),
            tickets=self.rows("tickets", f"SELECT * FROM tickets {of_event}", event_id),
            papers=self.rows("tickets", f"SELECT * FROM orders {of_event}", event_id),
            captures=[*self._stripe_captures(), *self._paypal_captures()],
            given_back=[*self._stripe_refunds(), *self._paypal_refunds()],
            waiting=self.waiting(),
            dead=self._dead(),
            now=float(self.rows("orders", "SELECT extract(epoch FROM clock_timestamp()) AS now")[0]["now"]),
        )
        if with_files:
            world.mails = [_read_mail(path) for path in sorted(self.mail_folder.glob("**/*.eml"))]
            world.files = {key: self._file(key) for key in self._keys(world) if (self.file_folder / key).is_file()}
        return world

    def _queued(self) -> dict[str, int]:
        if self.rabbitmq is not None:
            return self.rabbitmq.queued()
        rows = self.rows("broker", "SELECT queue, count(*) AS messages FROM broker.message GROUP BY queue")
        return {row["queue"]: row["messages"] for row in rows}

    def _dead(self) -> list[str]:
        if self.rabbitmq is None:
            return [f"{row['queue']}: {row['type']} ({row['reason'][:200]})" for row in self.rows("broker", DEAD)]
        return [
            f"{queue}: {count}" for queue, count in self.rabbitmq.queued().items() if queue.endswith(".dead") and count
        ]

    def _keys(self, world: World) -> Sequence[str]:
        return [row["pdf_key"] for row in (*world.tickets, *world.papers) if row["pdf_key"]]

    def _file(self, key: str) -> bytes:
        return (self.file_folder / key).read_bytes()

    def _stripe_captures(self) -> list[Row]:
        intents = {each["id"]: each.get("metadata", {}) for each in self.objects("stripe", "payment_intent")}
        taken = [
            each for each in self.objects("stripe", "charge") if each["status"] == "succeeded" and each["captured"]
        ]
        return [_taken(each["id"], intents.get(each["payment_intent"], {}), each["amount"]) for each in taken]

    def _stripe_refunds(self) -> list[Row]:
        intents = {each["id"]: each.get("metadata", {}) for each in self.objects("stripe", "payment_intent")}
        done = [each for each in self.objects("stripe", "refund") if each["status"] == "succeeded"]
        return [
            {**_taken(each["id"], intents.get(each["payment_intent"], {}), each["amount"]), "ours": _ours(each)}
            for each in done
        ]

    def _paypal_captures(self) -> list[Row]:
        return [
            {"id": each["id"], "payment_id": str(each.get("custom", "")), "amount_minor": _cents(each)}
            for each in self.objects("paypal", "sale")
        ]

    def _paypal_refunds(self) -> list[Row]:
        sales = {each["id"]: str(each.get("custom", "")) for each in self.objects("paypal", "sale")}
        return [
            {
                "id": each["id"],
                "payment_id": sales.get(each["sale_id"], ""),
                "amount_minor": _cents(each),
                "ours": str(each.get("invoice_number", "")),
            }
            for each in self.objects("paypal", "refund")
        ]


UNDONE = {
    "refunds to carry out": ("payments", "SELECT count(*) FROM refunds WHERE status = 'pending'"),
    "payments of unknown outcome": ("payments", "SELECT count(*) FROM payments WHERE status = 'unknown'"),
    "PDFs to draw": ("tickets", "SELECT count(*) FROM orders WHERE status = 'paid' AND rendered_revision < revision"),
    "refunds decided": ("orders", "SELECT count(*) FROM refunds WHERE status = 'requested'"),
    "orders whose time is over": (
        "orders",
        "SELECT count(*) FROM orders WHERE status IN ('initializing', 'pending') AND expires_at < now()"
        " AND coalesce(charging_until, '-infinity') < now()",
    ),
}
CODE_USES = """
SELECT * FROM code_uses WHERE NOT is_access_code AND code_id IN (
    SELECT discount_code_id FROM orders WHERE event_id = %s AND discount_code_id IS NOT NULL
    UNION SELECT id FROM replica_discount_codes WHERE event_id = %s)
"""
DEAD = "SELECT queue, type, reason FROM broker.message WHERE queue LIKE '%.dead'"


def _open_books(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=10)


def _taken(id_: str, metadata: Mapping[str, Any], amount: int) -> Row:
    return {"id": id_, "payment_id": str(metadata.get("payment_id", "")), "amount_minor": amount}


def _ours(refund: Row) -> str:
    return str((refund.get("metadata") or {}).get("refund_id", ""))


def _cents(thing: Row) -> int:
    """The rounds sell in EUR only."""
    return round(float(thing["amount"]["total"]) * 100)


@cache  # a mail never changes once it is there
def _read_mail(path: Path) -> Mail:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 (what the policy makes)
    names = tuple(part.get_filename() or "" for part in message.iter_attachments())
    return Mail(str(message["To"]).lower(), names)
