"""Mail that is promised in a transaction and delivered after it.

`queue_mail` writes a row, unique by (kind, recipient, what it is about, version): promising twice sends once. The job
`deliver_mail` sends queued rows, `measure_mails` counts them. Over SMTP a mail can repeat only if the process dies between
the server's acceptance and our commit, and then with the same Message-ID; as `.eml` files it is exactly once: the Message-ID
names the file.

A service that sends mail lists this module among its jobs and this `metadata` among its own, inherits `MailSettings` and
calls `configure` when a process starts.
"""

import logging
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from hashlib import sha256
from typing import Any, Protocol

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Row,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from chassis import clock, db, metrics
from chassis.config import setting
from chassis.jobs import job
from chassis.mail_lease import LASTS, Lease
from chassis.mail_message import File, People, Words, compose, one_line, parse_address
from chassis.mail_transports import Refused, Transport, open_transport

log = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
MOST_ATTEMPTS = 60  # about two days
LATE = timedelta(minutes=10)

metadata = MetaData()
mail = Table(
    "mail",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="queued"),  # queued, sent, failed
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("attachments", JSONB, nullable=False),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("sent_at", DateTime(timezone=True)),
    Column("problem", Text, nullable=False, server_default=""),
    Column("reply_to", Text, nullable=False, server_default=""),
    UniqueConstraint("kind", "recipient", "about", "version", name="mail_is_promised_once"),
)
Index("mail_due", mail.c.due_at, postgresql_where=text("status = 'queued'"))


@dataclass(frozen=True)
class MailSettings:
    """What a service that sends mail reads besides the common settings."""

    mail_url: str = setting(
        "MAIL_URL",
        doc="file:///folder for .eml files, smtp://user:password@host:port, or smtps://… for TLS from the start",
        default="file:///var/stagedoor/mail",
        secret=True,
    )
    mail_from: str = setting(
        "MAIL_FROM", doc="sender of all mails, `Name <address>`", default="Stagedoor <no-reply@stagedoor.invalid>"
    )


@dataclass(frozen=True)
class Attachment:
    """A file that comes along: its bytes, or the key under which the service finds them when the mail is sent."""

    name: str
    content_type: str
    data: bytes | None = None
    key: str | None = None


@dataclass(frozen=True)
class Mail:
    """One mail to promise. `kind`, `recipient`, `about` and `version` say which one it is.

    `reply_to`: the address of who gets the answer, where a person writes it and not this system.
    """

    kind: str
    recipient: str
    about: str
    subject: str
    text: str
    html: str = ""
    attachments: Sequence[Attachment] = ()
    version: int = 1
    reply_to: str = ""


class Cabinet(Protocol):
    """Where a service keeps files that mails name by key, in two steps: what the database knows, then the file."""

    def locate(self, session: Session, keys: Sequence[str]) -> Mapping[str, str]:
        """The place of each key that may still be sent."""

    def load(self, place: str) -> bytes:
        """The file. Raises Refused when it is gone, Unavailable when the store is away."""


@dataclass(frozen=True)
class Post:
    """How this process delivers."""

    transport: Transport
    sender: Address
    cabinet: Cabinet | None


_post: Post | None = None


def configure(url: str, sender: str, cabinet: Cabinet | None = None) -> None:
    """Says where mail goes, who sends it, and where attachments lie that are given by key. Nothing is connected."""
    global _post
    _post = Post(open_transport(url), parse_address(sender), cabinet)


# As the driver takes them: these statements are on the way of every order.
_QUEUE = """
INSERT INTO mail (
    kind, recipient, about, version, message_id, status, subject, text, html, attachments, queued_at, due_at, problem,
    reply_to
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING id
"""
_QUEUE_MANY = _QUEUE.replace("RETURNING id", "")
_LEASE = """
UPDATE mail SET due_at = %s
WHERE id IN (
    SELECT id FROM mail WHERE status = 'queued' AND due_at <= %s ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING id, kind, recipient, message_id, subject, text, html, attachments, queued_at, attempts, reply_to
"""
_DUE = "SELECT 1 FROM mail WHERE status = 'queued' AND due_at <= %s LIMIT 1"
# Only while the lease is ours: an erasure or another process may have come first.
_SENT = """
UPDATE mail
SET status = 'sent', sent_at = %s, subject = '', text = '', html = '', attachments = '[]', problem = '', reply_to = ''
WHERE id = ANY(%s) AND due_at = ANY(%s)
"""
_REFUSED = (
    "UPDATE mail SET status = %s, attempts = %s, problem = %s, due_at = %s WHERE id = ANY(%s) AND due_at = ANY(%s)"
)
_WAITING = "SELECT count(*), count(*) FILTER (WHERE queued_at <= %s) FROM mail WHERE status = 'queued'"
_LATER = "UPDATE mail SET due_at = %s WHERE id = ANY(%s) AND due_at = ANY(%s)"


def queue_mail(session: Session, promised: Mail) -> bool:
    """Promises a mail if the transaction commits; False when this one was promised before.

    An address that cannot be one is kept as failed: a person's slip must not undo the purchase it belongs to.
    """
    return bool(db.execute(session, _QUEUE, _row(promised, clock.now())))


def queue_mails(session: Session, mails: Sequence[Mail]) -> None:
    """Promises several at once; those that were promised before are left out."""
    if mails:
        moment = clock.now()
        session.connection().exec_driver_sql(_QUEUE_MANY, [_row(each, moment) for each in mails])


def _row(promised: Mail, moment: datetime) -> tuple[Any, ...]:
    address = promised.recipient.strip().replace("\x00", "")
    problem = _problem(address)
    return (
        promised.kind,
        address.lower(),
        promised.about,
        promised.version,
        message_key(promised.kind, address, promised.about, promised.version),
        "failed" if problem else "queued",
        one_line(promised.subject),
        promised.text.replace("\x00", ""),
        promised.html.replace("\x00", ""),
        orjson.dumps([_packed(each) for each in promised.attachments]).decode(),
        moment,
        moment,
        problem,
        promised.reply_to.strip().lower(),
    )


def message_key(kind: str, recipient: str, about: str, version: int) -> str:
    """The left part of the Message-ID: the same for the same mail, and it says nothing about the person."""
    return sha256("\0".join((kind, recipient.lower(), about, str(version))).encode()).hexdigest()[:40]


def forget_recipient(session: Session, recipient: str) -> None:
    """Erases a person from the mails: what is queued is dropped, what was sent keeps only that it was.

    What they wrote to others is gone where it was not sent; where it was, its words were dropped then.
    """
    address = recipient.strip().lower()
    session.execute(delete(mail).where(mail.c.reply_to == address))
    _forget(session, mail.c.recipient == address)


def forget_about(session: Session, about: str) -> None:
    """Erases whoever got the mails about this, under whatever address: dropped and emptied as by `forget_recipient`."""
    _forget(session, mail.c.about == about)


def _forget(session: Session, is_theirs: ColumnElement[bool]) -> None:
    session.execute(delete(mail).where(is_theirs, mail.c.status == "queued"))
    emptied: dict[str, Any] = {
        **dict.fromkeys(("subject", "text", "html", "problem", "reply_to"), ""),
        "attachments": [],
    }
    session.execute(
        update(mail).where(is_theirs).values(recipient=func.concat("erased:", mail.c.message_id), **emptied)
    )


def something_is_due() -> bool:
    """Whether a mail waits to be sent now."""
    return bool(db.look(_DUE, (clock.now(),)))


@job(every_seconds=0.5, is_due=something_is_due)
def deliver_mail() -> None:
    """Sends what is due until nothing is. Unavailable when the server cannot be reached."""
    if _post is None:
        raise RuntimeError("chassis.mail.configure() has not been called in this process")
    with _post.transport:
        while deliver_some(_post):
            pass


@job(every_seconds=15)
def measure_mails() -> None:
    """Counts what waits, so that somebody notices when it grows or stands still."""
    ((waiting, late),) = db.look(_WAITING, (clock.now() - LATE,))
    metrics.mails_waiting.set(waiting)
    metrics.mails_late.set(late)


def deliver_some(post: Post) -> bool:
    """Takes some due mails, sends them outside any transaction, and notes the outcomes; False when none was due.

    Where sending again has no effect (files) the outcomes are noted together, otherwise each at once.
    """
    moment = clock.now()
    leased_until = moment + LASTS
    with db.transaction() as session:
        leased = db.execute(session, _LEASE, (leased_until, moment, post.transport.batch))
        places = _locate(session, leased, post)
    if leased:
        with Lease([row.id for row in leased], leased_until, _write) as lease:
            _deliver(leased, places, post, lease)
    return bool(leased)


def _deliver(leased: Sequence[Row[Any]], places: Mapping[str, str], post: Post, lease: Lease) -> None:
    moment = clock.now()
    sent: list[int] = []
    waiting = [row.id for row in leased]
    try:
        for row in leased:
            outcome = _send(row, places, post, moment)
            waiting.remove(row.id)
            if outcome is not None:
                lease.note(_REFUSED, *outcome, ids=[row.id])
                if outcome[0] == "failed":
                    metrics.mails_ended.labels("failed").inc()
                continue
            metrics.mails_ended.labels("sent").inc()
            sent.append(row.id)
            if not post.transport.is_repeatable:
                lease.note(_SENT, clock.now(), ids=sent)
                sent.clear()
    finally:
        # Also when the server is away or this process ends: what was sent is noted, the rest keeps its attempts.
        if sent:
            lease.note(_SENT, clock.now(), ids=sent)
        if waiting:
            lease.note(_LATER, moment + FIRST_PAUSE, ids=waiting)


def _send(row: Row[Any], places: Mapping[str, str], post: Post, moment: datetime) -> tuple[Any, ...] | None:
    """None when the mail is out, otherwise status, attempts, problem and when to try again."""
    try:
        recipient = parse_address(row.recipient)
        files = [_file(packed, places, post) for packed in row.attachments]
        words = Words(row.subject, row.text, row.html, files)
        people = People(post.sender, recipient, parse_address(row.reply_to) if row.reply_to else None)
        content = compose(words, people, key=row.message_id, written_at=row.queued_at)
        post.transport.send(content, post.sender.addr_spec, recipient.addr_spec, row.message_id)
    except ValueError as error:
        return _after_refusal(row, str(error), moment, is_final=True)
    except Refused as refusal:
        return _after_refusal(row, str(refusal), moment, is_final=refusal.is_final)
    return None


def _locate(session: Session, rows: Sequence[Row[Any]], post: Post) -> Mapping[str, str]:
    keys = sorted({packed["key"] for row in rows for packed in row.attachments if "key" in packed})
    return post.cabinet.locate(session, keys) if keys and post.cabinet is not None else {}


def _file(packed: Mapping[str, str], places: Mapping[str, str], post: Post) -> File:
    if "data" in packed:
        return File(packed["name"], packed["type"], b64decode(packed["data"]))
    if post.cabinet is None or packed["key"] not in places:
        raise Refused("What this mail carries is no longer valid", is_final=True)
    return File(packed["name"], packed["type"], post.cabinet.load(places[packed["key"]]))


def _write(statement: str, values: tuple[Any, ...]) -> None:
    with db.transaction() as session:
        db.execute(session, statement, values)


def _problem(address: str) -> str:
    try:
        parse_address(address)
    except ValueError as error:
        return str(error)
    return ""


def _after_refusal(row: Row[Any], problem: str, moment: datetime, *, is_final: bool) -> tuple[Any, ...]:
    attempts = row.attempts + 1
    told = re.sub(re.escape(row.recipient), "…", problem, flags=re.IGNORECASE)  # servers like to quote the address
    log.warning("mail refused", extra={"mail_id": row.id, "attempts": attempts, "problem": told[:200]})
    if is_final or attempts >= MOST_ATTEMPTS:
        return "failed", attempts, problem[:1000], moment
    pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 10), LONGEST_PAUSE)
    return "queued", attempts, problem[:1000], moment + pause


def _packed(attachment: Attachment) -> dict[str, str]:
    described = {"name": one_line(attachment.name), "type": attachment.content_type}
    if attachment.key is not None:
        return {**described, "key": attachment.key}
    return {**described, "data": b64encode(attachment.data or b"").decode()}
