"""chassis.mail as this service uses it: promised in a transaction, delivered after it, once, and never bent by its words."""

import email
import email.policy
import re
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

import chassis.db
from chassis import clock, jobs, mail, mail_lease, metrics
from chassis.errors import Unavailable
from chassis.mail import Attachment, Mail, queue_mail
from chassis.mail_message import parse_address
from chassis.mail_transports import open_transport

SENDER = "Stagedoor <no-reply@tickets.example.com>"


def promise(recipient: str = "anna@example.com", **changes: Any) -> bool:
    words = {"kind": "ticket", "about": "attendee:1", "subject": "Your ticket", "text": "Here it is.", **changes}
    with chassis.db.transaction() as db:
        return queue_mail(db, Mail(recipient=recipient, **words))


def long_ago() -> datetime:
    return clock.now() - mail.LATE - timedelta(seconds=1)


def rows() -> list[Any]:
    with chassis.db.transaction() as db:
        return list(db.execute(select(mail.mail).order_by(mail.mail.c.id)).all())


def deliver_to(folder: Path) -> list[EmailMessage]:
    mail.configure(f"file://{folder}", SENDER)
    mail.deliver_mail()
    files = sorted(folder.glob("*.eml"))
    return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files]


def test_a_promise_is_kept_once(app: Any, tmp_path: Path) -> None:
    assert promise()
    assert not promise(subject="Another word for the same")
    (message,) = deliver_to(tmp_path)
    assert message["To"] == "anna@example.com"
    assert message["From"] == SENDER
    assert message["Subject"] == "Your ticket"
    assert deliver_to(tmp_path) != [], "and stays one file"
    assert len(list(tmp_path.iterdir())) == 1
    assert [row.status for row in rows()] == ["sent"]


def test_an_operator_sees_what_waits_and_what_waits_for_long(app: Any, tmp_path: Path) -> None:
    def seen() -> tuple[float, float]:
        mail.measure_mails()
        return metrics.mails_waiting._value.get(), metrics.mails_late._value.get()

    promise()
    promise("bob@example.com")
    assert seen() == (2, 0)
    with chassis.db.transaction() as db:
        db.execute(update(mail.mail).where(mail.mail.c.recipient == "bob@example.com").values(queued_at=long_ago()))
    assert seen() == (2, 1)
    deliver_to(tmp_path)
    assert seen() == (0, 0)


def test_what_is_rolled_back_was_never_promised(app: Any) -> None:
    def change_ones_mind(db: Session) -> None:
        queue_mail(db, Mail("k", "a@b.example", about="x", subject="s", text="t"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        chassis.db.run(change_ones_mind)
    assert rows() == []


def test_kind_recipient_matter_and_version_make_another_mail(app: Any) -> None:
    promise()
    assert promise(kind="order")
    assert promise("bob@example.com")
    assert promise(about="attendee:2")
    assert promise(version=2)
    assert not promise("ANNA@example.com")
    assert len({row.message_id for row in rows()}) == 5


def test_the_file_is_named_after_the_message_id(app: Any, tmp_path: Path) -> None:
    promise()
    (message,) = deliver_to(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{rows()[0].message_id}.eml"]
    assert message["Message-ID"] == f"<{rows()[0].message_id}@tickets.example.com>"


def test_a_process_that_dies_after_sending_sends_no_second_file(
    app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise()
    with monkeypatch.context() as patch:
        patch.setattr(mail, "_write", _killed)
        with pytest.raises(KeyboardInterrupt):
            deliver_to(tmp_path)
    written = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    with clock.freeze(clock.now() + timedelta(seconds=31)):
        deliver_to(tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written
    assert [row.status for row in rows()] == ["sent"]


def test_a_mail_that_takes_longer_than_a_lease_is_taken_from_no_living_sender(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_lease, "RENEWED_EVERY_SECONDS", 0.02)
    promise()
    slow = Slow()
    post = mail.Post(slow, parse_address(SENDER), None)
    assert mail.deliver_some(post)
    assert (slow.sent, slow.taken_away) == (1, False)
    assert [row.status for row in rows()] == ["sent"]


def test_the_mails_of_a_killed_sender_wait_half_a_minute_for_the_next(
    app: Any, post: "Post", monkeypatch: pytest.MonkeyPatch
) -> None:
    promise()
    mail.configure(f"smtp://127.0.0.1:{post.port}", SENDER)
    with monkeypatch.context() as patch:
        patch.setattr(mail, "_write", _killed)
        with pytest.raises(KeyboardInterrupt):
            mail.deliver_mail()
    mail.deliver_mail()
    assert [row.status for row in rows()] == ["queued"], "somebody may still be sending it"
    with clock.freeze(clock.now() + timedelta(seconds=31)):
        mail.deliver_mail()
    assert [row.status for row in rows()] == ["sent"]


class Slow:
    """A way out that takes a mail only once its lease was renewed, and then lets somebody else look for mails."""

    is_repeatable = False
    batch = 10

    def __init__(self) -> None:
        self.sent = 0
        self.taken_away = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def send(self, content: bytes, sender: str, recipient: str, key: str) -> None:
        self.sent += 1
        (row,) = rows()
        deadline = time.monotonic() + 10
        while rows()[0].due_at == row.due_at and time.monotonic() < deadline:
            time.sleep(0.01)
        with clock.freeze(row.due_at + timedelta(microseconds=1)):
            self.taken_away = self.sent == 1 and mail.deliver_some(mail.Post(self, parse_address(SENDER), None))


@pytest.mark.parametrize("nasty", ["Hi\r\nBcc: all@example.com", "Hi\nX-Evil: 1", "Hi\x00\r\n\r\n<script>", "a\u2028b"])
def test_no_word_becomes_a_header(app: Any, tmp_path: Path, nasty: str) -> None:
    promise(subject=nasty, attachments=[Attachment(nasty, "application/pdf", data=b"x")])
    (message,) = deliver_to(tmp_path)
    assert message["Bcc"] is None
    assert message["X-Evil"] is None
    assert set(message.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    }


@pytest.mark.parametrize(
    "address",
    [
        "",
        "anna",
        "anna@",
        "@example.com",
        "a@b.example, c@d.example",
        "a@b.example\r\nBcc: c@d.example",
        "a b@example.com",
        "Anna <a@b.example> <c@d.example>",
    ],
)
def test_what_is_no_address_is_kept_as_failed_and_sent_to_nobody(app: Any, tmp_path: Path, address: str) -> None:
    promise(address)
    assert deliver_to(tmp_path) == []
    assert [row.status for row in rows()] == ["failed"]


def test_addresses_beyond_ascii_are_written_as_mail_servers_know_them() -> None:
    assert parse_address("anna@müller.example").addr_spec == "anna@xn--mller-kva.example"
    assert parse_address("Änne <aenne@example.com>").display_name == "Änne"


def test_words_in_any_script_and_files_arrive(app: Any, tmp_path: Path) -> None:
    attachments = [Attachment("ticket.pdf", "application/pdf", data=b"%PDF"), Attachment("e.ics", ICS, data=b"BEGIN")]
    promise(subject="Ваш билет – 票", text="Привет", html="<p>Привет</p>", attachments=attachments)
    (message,) = deliver_to(tmp_path)
    assert message["Subject"] == "Ваш билет – 票"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert (plain.get_content(), html.get_content()) == ("Привет\n", "<p>Привет</p>\n")
    names = [(part.get_filename(), part.get_content_type()) for part in message.iter_attachments()]
    assert names == [("ticket.pdf", "application/pdf"), ("e.ics", "text/calendar")]


ICS = "text/calendar; method=PUBLISH; charset=utf-8"


def test_a_long_link_stays_on_one_line_of_the_file(app: Any, tmp_path: Path) -> None:
    link = "https://tickets.example.com/" + "x" * 300
    promise(text=f"Bitte öffnen:\n{link}\n")
    deliver_to(tmp_path)
    (path,) = tmp_path.iterdir()
    assert f"\n{link}\n" in path.read_text("utf-8")


def test_what_was_sent_is_not_kept(app: Any, tmp_path: Path) -> None:
    promise(html="<p>secret link</p>")
    deliver_to(tmp_path)
    (row,) = rows()
    assert (row.subject, row.text, row.html, row.attachments) == ("", "", "", [])


def test_who_gets_the_answer_is_said_and_not_kept(app: Any, tmp_path: Path) -> None:
    promise(reply_to="Curious@example.com")
    promise("bob@example.com")
    answers = {message["To"]: message["Reply-To"] for message in deliver_to(tmp_path)}
    assert answers == {"anna@example.com": "curious@example.com", "bob@example.com": None}
    assert [row.reply_to for row in rows()] == ["", ""]


def test_an_erased_person_is_in_no_row(app: Any, tmp_path: Path) -> None:
    promise()
    deliver_to(tmp_path)
    promise(about="attendee:2")
    with chassis.db.transaction() as db:
        mail.forget_recipient(db, "Anna@example.com")
    (row,) = rows()
    assert "anna" not in row.recipient
    assert row.status == "sent"


@dataclass
class Post:
    """An SMTP server that says what the test wants."""

    answer: str = "250 ok"  # to RCPT
    greeting: str = "250 ok"
    answer_to_sender: str = "250 ok"
    received: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0


@pytest.fixture
def post() -> Iterator[Post]:
    office = Post()

    class Clerk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            office.connections += 1
            self._say("220 ready")
            while line := self.rfile.readline():
                verb = line.split()[0].upper() if line.split() else b""
                if verb == b"DATA":
                    self._say("354 go on")
                    office.received.append(self._message())
                    self._say("250 queued")
                elif verb == b"RCPT":
                    self._say(office.answer)
                elif verb == b"MAIL":
                    self._say(office.answer_to_sender)
                elif verb in (b"EHLO", b"HELO"):
                    self._say(office.greeting)
                elif verb == b"QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 ok")

        def _say(self, words: str) -> None:
            self.wfile.write(words.encode() + b"\r\n")

        def _message(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line)
            return b"".join(lines)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Clerk)
    server.daemon_threads = True
    office.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield office
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_server_gets_several_mails_over_one_connection(app: Any, post: Post) -> None:
    promise()
    promise("bob@example.com")
    mail.configure(f"smtp://127.0.0.1:{post.port}", SENDER)
    mail.deliver_mail()
    assert [row.status for row in rows()] == ["sent", "sent"]
    assert post.connections == 1
    assert b"To: anna@example.com" in post.received[0]


def test_a_mailbox_that_does_not_exist_is_given_up(app: Any, post: Post) -> None:
    post.answer = "550 no such user"
    promise()
    mail.configure(f"smtp://127.0.0.1:{post.port}", SENDER)
    mail.deliver_mail()
    (row,) = rows()
    assert (row.status, row.attempts) == ("failed", 1)
    assert "550 no such user" in row.problem


@pytest.mark.parametrize(
    "refusal",
    [
        {"answer_to_sender": "550 5.7.1 this sender is not verified"},
        {"answer_to_sender": "530 5.7.0 authentication required"},
        {"answer": "554 5.7.1 <anna@example.com>: relay access denied"},
        {"answer": "550 5.4.5 daily sending quota exceeded"},
        {"answer": "530 authentication required"},
    ],
    ids=lambda refusal: next(iter(refusal.values())),
)
def test_no_mail_is_given_up_because_the_server_does_not_take_us(app: Any, post: Post, refusal: dict[str, str]) -> None:
    """A wrong sender, a password that was changed, a used up quota: nothing that another address would mend."""
    vars(post).update(refusal)
    promise()
    mail.configure(f"smtp://127.0.0.1:{post.port}", SENDER)
    mail.deliver_mail()
    (row,) = rows()
    assert (row.status, row.attempts) == ("queued", 1)
    vars(post).update(answer="250 ok", answer_to_sender="250 ok")
    with clock.freeze(row.due_at + timedelta(seconds=1)):
        mail.deliver_mail()
    assert [row.status for row in rows()] == ["sent"]


def test_a_mail_that_is_too_large_is_given_up(app: Any, post: Post) -> None:
    post.answer_to_sender = "552 5.3.4 message size exceeds fixed limit"
    promise()
    mail.configure(f"smtp://127.0.0.1:{post.port}", SENDER)
    mail.deliver_mail()
    assert [row.status for row in rows()] == ["failed"]


def test_a_server_that_does_not_want_to_talk_to_us_uses_up_no_attempts_and_is_quoted(
    app: Any, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.greeting = "554 5.7.1 your address is on a list"
    promise()
    mail.configure(f"smtp://127.0.0.1:{post.port}", SENDER)
    jobs.run_once(jobs.jobs_in([mail])[0], "tickets")
    assert [(row.status, row.attempts) for row in rows()] == [("queued", 0)]
    [line] = [record for record in caplog.records if record.message == "job waits"]
    assert "your address is on a list" in vars(line)["cause"]


def test_an_operator_sees_how_many_mails_were_given_up(app: Any, post: Post) -> None:
    def seen() -> list[float]:
        return [metrics.mails_ended.labels(outcome)._value.get() for outcome in ("sent", "failed")]

    before = seen()
    mail.configure(f"smtp://127.0.0.1:{post.port}", SENDER)
    promise()
    mail.deliver_mail()
    post.answer = "550 no such user"
    promise("bob@example.com")
    mail.deliver_mail()
    assert [now - then for now, then in zip(seen(), before, strict=True)] == [1, 1]


def test_what_was_given_up_is_sent_again_as_the_guide_says(app: Any, post: Post) -> None:
    guide = (Path(__file__).parents[3] / "docs/operations.md").read_text()
    [statement] = re.findall(r'-c "(UPDATE mail [^"]*)"', guide)
    mail.configure(f"smtp://127.0.0.1:{post.port}", SENDER)
    post.answer = "550 no such user"
    promise()
    mail.deliver_mail()
    assert [row.status for row in rows()] == ["failed"]
    post.answer = "250 ok"
    with chassis.db.transaction() as db:
        chassis.db.execute(db, statement)
    mail.deliver_mail()
    assert [row.status for row in rows()] == ["sent"]
    assert b"Here it is." in post.received[0]


def test_a_refusal_is_logged_without_the_address(app: Any, post: Post, caplog: pytest.LogCaptureFixture) -> None:
    post.answer = "550 5.1.1 <Anna@Example.com>: recipient address rejected"
    promise()
    mail.configure(f"smtp://127.0.0.1:{post.port}", SENDER)
    mail.deliver_mail()
    [line] = [record for record in caplog.records if record.message == "mail refused"]
    assert vars(line)["problem"] == "550 5.1.1 <…>: recipient address rejected"
    assert "Anna@Example.com" in rows()[0].problem, "there it is erased with the person"


def test_a_server_that_is_busy_is_tried_again_later_and_later(app: Any, post: Post) -> None:
    post.answer = "451 try later"
    promise()
    mail.configure(f"smtp://127.0.0.1:{post.port}", SENDER)
    mail.deliver_mail()
    mail.deliver_mail()
    (row,) = rows()
    assert (row.status, row.attempts) == ("queued", 1)
    with clock.freeze(row.due_at + timedelta(seconds=1)):
        mail.deliver_mail()
    assert rows()[0].attempts == 2
    post.answer = "250 ok"
    with clock.freeze(rows()[0].due_at + timedelta(seconds=1)):
        mail.deliver_mail()
    assert rows()[0].status == "sent"


def test_a_server_that_is_away_uses_up_no_attempts(app: Any) -> None:
    promise()
    mail.configure("smtp://127.0.0.1:9", SENDER)
    with pytest.raises(Unavailable):
        mail.deliver_mail()
    (row,) = rows()
    assert (row.status, row.attempts) == ("queued", 0)


def test_a_password_is_not_sent_in_the_clear_beyond_this_machine(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr("smtplib.SMTP.connect", lambda *_: (220, b"ready"))
    monkeypatch.setattr("smtplib.SMTP.ehlo_or_helo_if_needed", lambda _: None)
    monkeypatch.setattr("smtplib.SMTP.has_extn", lambda *_: False)
    monkeypatch.setattr("smtplib.SMTP.login", lambda *arguments: sent.append(arguments))
    promise()
    mail.configure("smtp://me:secret@mail.example.com", SENDER)
    with pytest.raises(Unavailable):
        mail.deliver_mail()
    assert sent == []


@pytest.mark.parametrize("url", ["", "mail", "file://host/x", "http://x", "smtp://"])
def test_a_url_that_names_no_transport_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        open_transport(url)


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt
