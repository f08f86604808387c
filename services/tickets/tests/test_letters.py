"""What the mails say, in words and in HTML."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import icalendar

from services.tickets.domain import plain
from services.tickets.mail import calendar, letters
from services.tickets.tests.samples import EVENT, ORDER, TICKET, clean  # noqa: F401

LINK = "https://tickets.example.com/v1/tickets/download/abc"
NASTY = "<script>alert(1)</script>\r\nBcc: everyone@example.com"


def tags(html: str) -> set[str]:
    found: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.add(tag)  # type: ignore[method-assign]
    parser.feed(html)
    return found


def test_an_attendee_gets_link_order_number_and_the_events_time() -> None:
    letter = letters.ticket_letter(TICKET, LINK)
    assert letter.subject == "Your ticket for PyConf Berlin 2026"
    for body in (letter.text, letter.html):
        for words in (
            LINK,
            "O1764000000-42",
            "Early Bird",
            "10:00",
            "UTC+01:00",
            "Kulturbrauerei",
            "Doors open at 9:00.",
        ):
            assert words in body, words


def test_the_purchaser_gets_amounts_and_every_attendee_with_a_link() -> None:
    letter = letters.order_letter(ORDER, LINK + "/all", {"T-1234": LINK, "T-1235": LINK + "2"})
    for body in (letter.text, letter.html):
        for words in ("€200.00", "€31.93", "VAT 19 %", "Bob Jones", LINK + "/all", LINK + "2", "Visa ending in 4242"):
            assert words in body, words


def test_an_offline_order_says_what_to_pay_and_how() -> None:
    letter = letters.placed_letter(ORDER, "<p>IBAN DE12</p>", LINK)
    for body in (letter.text, letter.html):
        assert "IBAN DE12" in body
        assert "€200.00" in body


def test_a_cancelling_note_reaches_the_reader_escaped() -> None:
    letter = letters.cancelled_letter(ORDER, NASTY, is_buyer=True, is_refunded=True)
    assert "<script>alert(1)</script>" in letter.text
    assert "&lt;script&gt;" in letter.html
    assert "on its way back" in letter.text


def test_an_attendee_of_a_cancelled_order_reads_nothing_about_money() -> None:
    letter = letters.cancelled_letter(ORDER, "", is_buyer=False, is_refunded=True)
    assert "on its way back" not in letter.text + letter.html


def test_no_name_becomes_markup_or_a_second_line_of_the_subject() -> None:
    event = replace(EVENT, name=NASTY, place=NASTY, organizer=NASTY, message="plain")
    view = replace(TICKET, event=event, holder_name=NASTY, ticket_name=NASTY)
    order = replace(ORDER, event=event, buyer_name=NASTY, tickets=(view,))
    plain_tags = tags(letters.ticket_letter(TICKET, LINK).html)
    for letter in (letters.ticket_letter(view, LINK), letters.order_letter(order, LINK, {})):
        assert "\n" not in letter.subject
        assert "script" not in tags(letter.html)
    assert tags(letters.ticket_letter(view, LINK).html) == plain_tags


def test_a_letter_with_marks_without_end_keeps_nobody_busy() -> None:
    """Composing them takes the square of their number, and nothing else runs meanwhile."""
    began = time.perf_counter()
    assert len(plain.one_line("e" + "\u0316" * 10_000 + "\u0301" * 10_000 + "u\u0308")) == 32
    assert time.perf_counter() - began < 0.3


def test_a_calendar_takes_the_event_over_with_its_zone() -> None:
    data = calendar.invitation(EVENT, "O1@stagedoor", LINK, stamped_at=datetime(2026, 10, 1, tzinfo=UTC))
    parsed = icalendar.Calendar.from_ical(data)
    (entry,) = parsed.walk("VEVENT")
    assert entry["SUMMARY"] == "PyConf Berlin 2026"
    assert entry["UID"] == "O1@stagedoor"
    assert entry.decoded("DTSTART").isoformat() == "2026-11-24T10:00:00+01:00"
    assert entry.decoded("DTEND").isoformat() == "2026-11-24T18:00:00+01:00"
    assert [str(zone["TZID"]) for zone in parsed.walk("VTIMEZONE")] == ["Europe/Berlin"]


def test_an_event_name_cannot_add_lines_to_the_calendar() -> None:
    event = replace(EVENT, name="x\r\nATTENDEE:mailto:a@b.example")
    data = calendar.invitation(event, "u", LINK, stamped_at=datetime(2026, 10, 1, tzinfo=UTC)).decode()
    assert not any(line.startswith("ATTENDEE") for line in data.split("\r\n"))
