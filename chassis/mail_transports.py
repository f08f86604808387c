"""Ways out for a mail: a folder of `.eml` files, or an SMTP server."""

import re
import smtplib
import ssl
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import parse_qs, unquote, urlsplit

from chassis.errors import Unavailable
from chassis.files import make_folder, write_atomically

TIMEOUT_SECONDS = 15
MAILS_PER_CONNECTION = 100
# Refusals for good that are about us and not about this mail or mailbox: a rule (5.7), a quota or a way (5.4; 5.4.1 is
# Exchange's word for a mailbox that does not exist), a login that is missing.
_ABOUT_US = re.compile(r"530\b|\d+ 5\.(7\.|4\.[2-9])")
_ABOUT_THIS_MAIL = (552, 555)  # to MAIL FROM: its size, its options; anything else there is about the sender


class Refused(Exception):
    """This mail was not taken. `is_final`: it never will be, another try is pointless."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason)
        self.is_final = is_final


class Transport(Protocol):
    """Entered for a while, so that one connection can carry several mails.

    `is_repeatable`: sending the same mail again has no effect. `batch`: how many mails are taken at a time.
    """

    is_repeatable: bool
    batch: int

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def send(self, content: bytes, sender: str, recipient: str, key: str) -> None:
        """Raises Refused for this mail, Unavailable when nothing can be sent now. `key` names the mail."""


def open_transport(url: str) -> Transport:
    """`file:///folder`, `smtp://[user:password@]host[:port][?tls=required|off]` or `smtps://…`."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path and not parts.netloc:
        return FolderTransport(Path(unquote(parts.path)))
    if parts.scheme in ("smtp", "smtps") and parts.hostname:
        return SmtpTransport(url)
    raise ValueError(f"MAIL_URL is neither file:///folder nor smtp://host nor smtps://host: {parts.scheme}://…")


class FolderTransport:
    """One `.eml` per mail, named after its Message-ID: sending it again finds it there, so it exists exactly once."""

    is_repeatable = True
    batch = 50

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def send(self, content: bytes, sender: str, recipient: str, key: str) -> None:
        path = self._folder / f"{key}.eml"
        try:
            make_folder(self._folder)
            if not path.exists():
                write_atomically(path, content)
        except OSError as error:
            raise Unavailable("The mail folder cannot be written") from error


class SmtpTransport:
    """An SMTP server, with TLS wherever it offers it, and always when a password is sent beyond this machine."""

    is_repeatable = False
    batch = 10

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = str(parts.hostname)
        self._is_implicit = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_implicit else 25)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        wish = parse_qs(parts.query).get("tls", [""])[-1]
        is_local = self._host in ("localhost", "127.0.0.1", "::1")
        self._needs_tls = wish == "required" or (bool(self._user) and not is_local and wish != "off")
        self._refuses_tls = wish == "off"
        self._connection: smtplib.SMTP | None = None
        self._sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def send(self, content: bytes, sender: str, recipient: str, key: str) -> None:
        try:
            connection = self._connected()
            options = [] if recipient.isascii() else ["SMTPUTF8"]
            if options and not connection.has_extn("smtputf8"):
                raise Refused("The mail server takes no addresses beyond ASCII", is_final=True)
            if connection.has_extn("8bitmime"):
                options.append("BODY=8BITMIME")
            connection.sendmail(sender, [recipient], content.replace(b"\n", b"\r\n"), options)
            self._sent += 1
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            raise _refused(code, answer) from error
        except (
            smtplib.SMTPServerDisconnected,
            smtplib.SMTPConnectError,
            smtplib.SMTPHeloError,
            smtplib.SMTPAuthenticationError,
        ) as error:
            self._hang_up()
            raise Unavailable("The mail server does not take mails now") from error
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(str(error), is_final=True) from error
        except smtplib.SMTPSenderRefused as error:
            self._hang_up()
            is_final = error.smtp_code in _ABOUT_THIS_MAIL
            raise Refused(_readable(error.smtp_code, error.smtp_error), is_final=is_final) from error
        except smtplib.SMTPResponseException as error:
            self._hang_up()
            raise _refused(error.smtp_code, error.smtp_error) from error
        except OSError as error:  # unreachable, timed out, or its certificate is not good
            self._hang_up()
            raise Unavailable("The mail server does not answer") from error

    def _connected(self) -> smtplib.SMTP:
        if self._connection is not None and self._sent < MAILS_PER_CONNECTION:
            return self._connection
        self._hang_up()
        self._connection = self._connect()
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        secure = ssl.create_default_context()
        if self._is_implicit:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_SECONDS, context=secure)
        else:
            connection = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
        try:
            self._secure(connection, secure)
            if self._user:
                connection.login(self._user, self._password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _secure(self, connection: smtplib.SMTP, secure: ssl.SSLContext) -> None:
        connection.ehlo_or_helo_if_needed()
        if self._is_implicit or self._refuses_tls:
            return
        if connection.has_extn("starttls"):
            connection.starttls(context=secure)
            connection.ehlo()
        elif self._needs_tls:
            raise smtplib.SMTPConnectError(0, "The mail server offers no TLS, which the settings ask for")

    def _hang_up(self) -> None:
        connection, self._connection, self._sent = self._connection, None, 0
        if connection is None:
            return
        try:
            connection.quit()
        except (OSError, smtplib.SMTPException):
            connection.close()


def _refused(code: int, answer: bytes | str) -> Refused:
    said = _readable(code, answer)
    return Refused(said, is_final=code >= 500 and not _ABOUT_US.match(said))


def _readable(code: int, answer: bytes | str) -> str:
    said = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {said}"
