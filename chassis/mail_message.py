"""A mail as bytes, written directly: the standard library's message objects parse every header they are given, which costs
more than all else that a mail needs. Header values hold no line breaks, whoever wrote them.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.utils import encode_rfc2231, format_datetime, parseaddr
from functools import lru_cache

LONGEST_LINE = 990  # 998 is what SMTP takes; long lines stay whole, so that a link in an .eml file can be copied
LONGEST_SUBJECT = 300


@dataclass(frozen=True)
class File:
    """An attachment with its bytes."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Words:
    """What a mail says: plain text, the same as HTML (or nothing), and files."""

    subject: str
    text: str
    html: str = ""
    files: Sequence[File] = ()


@dataclass(frozen=True)
class People:
    """Who writes to whom, and who gets the answer if that is somebody else."""

    sender: Address
    recipient: Address
    reply_to: Address | None = None


def compose(words: Words, people: People, *, key: str, written_at: datetime) -> bytes:
    """The whole message with LF line ends. `key` becomes the left side of the Message-ID."""
    head = [
        f"From: {_written(people.sender)}",
        f"To: {_written(people.recipient)}",
        *([f"Reply-To: {_written(people.reply_to)}"] if people.reply_to else []),
        f"Subject: {_encoded(one_line(words.subject))}",
        f"Date: {format_datetime(written_at)}",
        f"Message-ID: <{key}@{people.sender.domain}>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ]
    body = _text_part("plain", words.text)
    if words.html:
        body = _multipart("alternative", f"{key[:20]}-a", [body, _text_part("html", words.html)])
    if words.files:
        body = _multipart("mixed", f"{key[:20]}-m", [body, *map(_file_part, words.files)])
    return "\n".join(head).encode() + b"\n" + body


@lru_cache(maxsize=1024)  # the same people get several mails within moments
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
    except (MessageError, ValueError, IndexError) as error:
        raise ValueError(f"{written[:80]!r} is not an e-mail address") from error


def one_line(written: str) -> str:
    """A header value: line breaks and control characters become spaces, so that nobody adds headers of their own."""
    if written.isascii() and written.isprintable() and "  " not in written:  # as almost all are
        return written.strip()[:LONGEST_SUBJECT]
    cleaned = "".join(" " if char.isspace() or ord(char) < 32 or ord(char) == 127 else char for char in written)
    return " ".join(cleaned.split())[:LONGEST_SUBJECT]


def _written(address: Address) -> str:
    if not address.display_name or address.display_name.isascii():
        return one_line(str(address))
    return f"{_encoded(one_line(address.display_name))} <{one_line(address.addr_spec)}>"


def _encoded(value: str) -> str:
    return value if value.isascii() else Header(value, "utf-8").encode()


def _multipart(kind: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    line = f"--={boundary}".encode()
    head = f'Content-Type: multipart/{kind}; boundary="={boundary}"\n\n'.encode()
    return head + b"".join(line + b"\n" + part + b"\n" for part in parts) + line + b"--\n"


def _text_part(kind: str, words: str) -> bytes:
    data = (words.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n").encode("utf-8", "replace")
    encoding = "7bit" if data.isascii() else "8bit"
    if max(map(len, data.split(b"\n"))) > LONGEST_LINE or b"\x00" in data:
        encoding, data = "base64", base64.encodebytes(data)
    head = f'Content-Type: text/{kind}; charset="utf-8"\nContent-Transfer-Encoding: {encoding}\n\n'
    return head.encode() + data


def _file_part(file: File) -> bytes:
    head = (
        f"Content-Type: {one_line(file.content_type)}\n"
        "Content-Transfer-Encoding: base64\n"
        f"Content-Disposition: attachment; {_file_name(one_line(file.name))}\n\n"
    )
    return head.encode() + base64.encodebytes(file.data)


def _file_name(name: str) -> str:
    if name.isascii():
        return 'filename="' + name.replace("\\", "_").replace('"', "_") + '"'
    return f"filename*={encode_rfc2231(name, 'utf-8')}"
