"""Mail that is promised in a transaction and delivered after it.

`queue_mail` writes a row, unique by (kind, recipient, what it is about, version): promising twice sends once. The job
`deliver_mail` sends queued rows. Over SMTP a mail can repeat only if the process dies between the server's acceptance
and our commit, and then with the same Message-ID; as `.eml` files it is exactly once: the Message-ID names the file.

A service that sends mail lists this module among its jobs and this `metadata` among its own, inherits `MailSettings` and
calls `configure` when a process starts.
"""

import logging
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
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
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from chassis import clock, db
from chassis.config import setting
from chassis.jobs import job
from chassis.mail_transports import Refused, Transport, open_transport

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)  # longer than any delivery takes; afterwards somebody else may try
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
MOST_ATTEMPTS = 60  # about two days

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
class Post:
    """How this process delivers."""

    transport: Transport
    sender: Address
    fetch: Callable[[str], bytes]


_post: Post | None = None


def configure(url: str, sender: str, fetch: Callable[[str], bytes] | None = None) -> None:
    """Says where mail goes and who sends it; `fetch` finds attachments that were given by key. Nothing is connected."""
    global _post
    _post = Post(open_transport(url), parse_address(sender), fetch or _nothing_to_fetch)


def queue_mail(
    session: Session,
    *,
    kind: str,
    recipient: str,
    about: str,
    version: int = 1,
    subject: str,
    text: str,
    html: str = "",
    attachments: Sequence[Attachment] = (),
) -> bool:
    """Promises a mail if the transaction commits; False when this one was promised before.

    An address that cannot be one is kept as failed: a person's slip must not undo the purchase it belongs to.
    """
    moment = clock.now()
    address = recipient.strip()
    problem = _problem(address)
    row = {
        "kind": kind,
        "recipient": address.lower(),
        "about": about,
        "version": version,
        "message_id": message_key(kind, address, about, version),
        "status": "failed" if problem else "queued",
        "subject": one_line(subject),
        "text": text,
        "html": html,
        "attachments": [_packed(each) for each in attachments],
        "queued_at": moment,
        "due_at": moment,
        "problem": problem,
    }
    statement = insert(mail).values(row).on_conflict_do_nothing().returning(mail.c.id)
    return session.execute(statement).first() is not None


def message_key(kind: str, recipient: str, about: str, version: int) -> str:
    """The left part of the Message-ID: the same for the same mail, and it says nothing about the person."""
    return sha256("\0".join((kind, recipient.lower(), about, str(version))).encode()).hexdigest()[:40]


def forget_recipient(session: Session, recipient: str) -> None:
    """Erases a person from the mails: what is queued is dropped, what was sent keeps only that it was."""
    is_theirs = mail.c.recipient == recipient.strip().lower()
    session.execute(delete(mail).where(is_theirs, mail.c.status == "queued"))
    nobody = func.concat("erased:", mail.c.message_id)
    session.execute(update(mail).where(is_theirs).values(recipient=nobody, **_EMPTIED))


@job(every_seconds=0.5)
def deliver_mail() -> None:
    """Sends what is due, one after the other, until nothing is. Unavailable when the server cannot be reached."""
    if _post is None:
        raise RuntimeError("chassis.mail.configure() has not been called in this process")
    with _post.transport:
        while deliver_one(_post):
            pass


def deliver_one(post: Post) -> bool:
    """Takes one due mail, sends it outside any transaction, and notes the outcome; False when none was due."""
    moment = clock.now()
    with db.transaction() as session:
        row = _lease(session, moment)
    if row is None:
        return False
    try:
        message = compose(row, post)
        post.transport.send(message, row.message_id)
    except Refused as refusal:
        outcome = _after_refusal(row, str(refusal), moment, is_final=refusal.is_final)
    except BaseException:
        # Nobody's fault that lies in the mail: the server is away, or this process ends. It keeps its attempts.
        with db.transaction() as session:
            _note(session, row, {"due_at": moment + FIRST_PAUSE})
        raise
    else:
        outcome = {"status": "sent", "sent_at": clock.now(), "problem": "", **_EMPTIED}
    with db.transaction() as session:
        _note(session, row, outcome)
    return True


def compose(row: Row[Any], post: Post) -> EmailMessage:
    """The message as it leaves. Raises Refused for what can never be sent."""
    try:
        recipient = parse_address(row.recipient)
    except ValueError as error:
        raise Refused(str(error), is_final=True) from None
    policy = SMTP if recipient.addr_spec.isascii() else SMTPUTF8
    # Long lines stay as they are, so that a link in an .eml file can be read and copied; 998 is what SMTP takes.
    message = EmailMessage(policy=policy.clone(max_line_length=990))
    message["From"] = post.sender
    message["To"] = recipient
    message["Subject"] = row.subject
    message["Date"] = format_datetime(row.queued_at)
    message["Message-ID"] = f"<{row.message_id}@{post.sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(row.text)
    if row.html:
        message.add_alternative(row.html, subtype="html")
    for packed in row.attachments:
        _attach(message, packed, post)
    return message


def parse_address(written: str) -> Address:
    """`Name <local@domain>` or the bare address. Raises ValueError for anything that is not exactly one address."""
    if any(ord(char) < 32 or ord(char) == 127 for char in written):
        raise ValueError("an address holds no line breaks or control characters")
    name, spec = parseaddr(written)  # its `strict` came with 3.11.10; the check on the end does the same for us
    local, at, domain = spec.rpartition("@")
    is_whole = written.strip() == spec or written.strip().endswith(f"<{spec}>")
    if not (local and at and domain) or "," in spec or " " in spec or not is_whole:
        raise ValueError(f"{written[:80]!r} is not an e-mail address")
    try:
        domain = domain.encode("idna").decode() if not domain.isascii() else domain
        if local.isascii():
            return Address(display_name=name, addr_spec=f"{local}@{domain}")
        return Address(display_name=name, username=local, domain=domain)
    except (HeaderParseError, UnicodeError, ValueError, IndexError):
        raise ValueError(f"{written[:80]!r} is not an e-mail address") from None


def one_line(written: str) -> str:
    """A header value: line breaks and control characters become spaces, so that nobody adds headers of their own."""
    cleaned = "".join(" " if char.isspace() or ord(char) < 32 or ord(char) == 127 else char for char in written)
    return " ".join(cleaned.split())[:300]


_EMPTIED: Mapping[str, Any] = {"subject": "", "text": "", "html": "", "attachments": []}


def _problem(address: str) -> str:
    try:
        parse_address(address)
    except ValueError as error:
        return str(error)
    return ""


def _lease(session: Session, moment: datetime) -> Row[Any] | None:
    due = (
        select(mail.c.id)
        .where(mail.c.status == "queued", mail.c.due_at <= moment)
        .order_by(mail.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    leased = update(mail).where(mail.c.id == due).values(due_at=moment + LEASE).returning(*mail.c)
    return session.execute(leased).first()


def _note(session: Session, row: Row[Any], values: Mapping[str, Any]) -> None:
    # Only while the lease is ours: an erasure or another process may have come first.
    session.execute(update(mail).where(mail.c.id == row.id, mail.c.due_at == row.due_at).values(**values))


def _after_refusal(row: Row[Any], problem: str, moment: datetime, *, is_final: bool) -> dict[str, Any]:
    attempts = row.attempts + 1
    log.warning("mail refused", extra={"mail_id": row.id, "attempts": attempts, "problem": problem[:200]})
    if is_final or attempts >= MOST_ATTEMPTS:
        return {"status": "failed", "attempts": attempts, "problem": problem[:1000]}
    pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 10), LONGEST_PAUSE)
    return {"attempts": attempts, "problem": problem[:1000], "due_at": moment + pause}


def _packed(attachment: Attachment) -> dict[str, str]:
    described = {"name": one_line(attachment.name), "type": attachment.content_type}
    if attachment.key is not None:
        return {**described, "key": attachment.key}
    return {**described, "data": b64encode(attachment.data or b"").decode()}


def _attach(message: EmailMessage, packed: Mapping[str, str], post: Post) -> None:
    data = post.fetch(packed["key"]) if "key" in packed else b64decode(packed["data"])
    kind, _, rest = packed["type"].partition("/")
    subtype, *parameters = (part.strip() for part in rest.split(";"))
    named = dict(parameter.split("=", 1) for parameter in parameters)
    message.add_attachment(data, maintype=kind, subtype=subtype, filename=packed["name"], params=named)


def _nothing_to_fetch(key: str) -> bytes:
    raise Refused(f"No store is configured that could hold {key!r}", is_final=True)
