"""Messages to those who run an event: who may write, who reads it, and that it stays the sender's own words."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis import clock, mail
from chassis.testing import Client
from services.events import inquiries
from services.events.domain.letters import quoted, told_by
from services.events.models import Inquiry, User
from services.events.tests.conftest import OWNER, STRANGER, Making, code_of
from services.events.tests.test_team import join


@pytest.fixture(autouse=True)
def _known(making: Making, db: Session) -> None:
    """Accounts has told of these people."""
    for user_id in (OWNER, STRANGER):
        db.add(User(id=user_id, email=f"user{user_id}@example.com", first_name="Sam" if user_id == STRANGER else ""))
    db.commit()


def write(by: Client, event: dict[str, Any], words: str = "Is there a cloakroom?", **rest: Any) -> Any:
    return by.post(f"/v1/events/{event['attributes']['identifier']}/contact-organizer", json={"email": words}, **rest)


def letters(db: Session) -> list[Any]:
    found = list(db.execute(select(mail.mail).where(mail.mail.c.kind == "inquiry").order_by(mail.mail.c.recipient)))
    db.rollback()
    return found


def test_the_owner_reads_it_and_answers_the_one_who_wrote(making: Making, db: Session) -> None:
    answer = write(making.stranger, making.event(), "Is there a cloakroom?\r\nAnd a bar?")
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    [letter] = letters(db)
    assert letter.recipient == f"user{OWNER}@example.com"
    assert letter.reply_to == f"user{STRANGER}@example.com"
    assert letter.subject == "Opening night: a question to the organizers"
    assert "\n\n> Is there a cloakroom?\n> And a bar?\n\n" in letter.text
    assert f"Sam (user{STRANGER}@example.com) writes to you about “Opening night”" in letter.text


def test_organizers_read_it_too_each_in_a_mail_of_their_own(making: Making, db: Session, client: Client) -> None:
    event = making.event()
    join(making, db, event, "organizer")
    assert write(making.admin, event).status_code == 200
    assert [letter.recipient for letter in letters(db)] == [f"user{OWNER}@example.com", f"user{STRANGER}@example.com"]


def test_who_sees_no_event_writes_to_nobody(making: Making, client: Client, db: Session) -> None:
    draft = making.event(state="draft")
    assert write(making.stranger, draft).status_code == 404
    assert write(client, making.event()).status_code == 401
    unverified = client.as_user(STRANGER, is_verified=False)
    assert code_of(write(unverified, making.event())) == (403, "unverified-user")
    assert letters(db) == []


@pytest.mark.parametrize("words", ["", " \n ", "x" * 5001, None, ["a"]])
def test_a_message_has_words_and_an_end(making: Making, db: Session, words: Any) -> None:
    assert write(making.stranger, making.event(), words).status_code in (400, 422)
    assert letters(db) == []


def test_nobody_writes_all_day(making: Making, db: Session) -> None:
    event = making.event()
    assert [write(making.stranger, event).status_code for _ in range(6)] == [200] * 5 + [429]
    assert len(letters(db)) == 5
    assert write(making.admin, event).status_code == 200
    with clock.freeze(clock.now() + timedelta(hours=1, seconds=1)):
        assert write(making.stranger, event).status_code == 200
        assert len(db.scalars(select(Inquiry)).all()) == 1


def test_many_people_do_not_flood_one_event(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inquiries, "PER_EVENT", 1)
    first, second = making.event(), making.event()
    assert write(making.stranger, first).status_code == 200
    assert write(making.admin, first).status_code == 429
    assert write(making.admin, second).status_code == 200


def test_the_same_request_is_mailed_once(making: Making, db: Session) -> None:
    event = making.event()
    keyed: dict[str, Any] = {"headers": {"Idempotency-Key": "ask-once"}}
    assert write(making.stranger, event, **keyed).json() == write(making.stranger, event, **keyed).json()
    assert len(letters(db)) == 1


def test_what_an_erased_person_asked_is_not_sent(making: Making, db: Session) -> None:
    write(making.stranger, making.event())
    mail.forget_recipient(db, f"USER{STRANGER}@example.com")
    db.commit()
    assert letters(db) == []


def test_no_line_of_a_stranger_passes_for_ours() -> None:
    assert quoted("One\r\rTwo\u2028Three\x07\n") == "> One\n>\n> Two\n> Three"
    assert told_by("Ann\r\nBcc: all@example.com", "ann@example.com") == "Ann Bcc: all@example.com (ann@example.com)"
    assert told_by(" ", "ann@example.com") == "ann@example.com"
