"""Times and amounts as people read them."""

import time
from datetime import UTC, datetime

import pytest

from services.tickets.domain import moments, plain
from services.tickets.domain.amounts import amount
from services.tickets.tests.samples import clean  # noqa: F401

TEN = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
SIX = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)


def test_one_day_is_named_once() -> None:
    span = moments.span(TEN, SIX, "Europe/Berlin")
    assert span.date == "Wednesday, July 1, 2026"
    assert span.hours == "10:00\u00a0AM – 6:00\u00a0PM"
    assert span.zone == "Central European Summer Time, UTC+02:00"


def test_a_night_that_ends_after_midnight_names_both_days() -> None:
    span = moments.span(TEN, datetime(2026, 7, 1, 23, 0, tzinfo=UTC), "Europe/Berlin")
    assert "July 2" in span.hours


def test_an_event_over_a_change_of_clocks_names_both_times() -> None:
    span = moments.span(datetime(2026, 10, 24, 8, tzinfo=UTC), datetime(2026, 10, 25, 17, tzinfo=UTC), "Europe/Berlin")
    assert span.hours == "Sunday, October 25, 2026, 6:00\u00a0PM"
    assert span.zone == "Central European Summer Time, UTC+02:00 – Central European Standard Time, UTC+01:00"


def test_several_days_are_one_line_in_a_mail() -> None:
    span = moments.span(TEN, datetime(2026, 7, 3, 16, 0, tzinfo=UTC), "UTC", "de")
    assert str(span) == "Mittwoch, 1. Juli 2026, 08:00 – Freitag, 3. Juli 2026, 16:00 (UTC)"


def test_a_zone_nobody_knows_becomes_utc_and_says_so() -> None:
    assert moments.span(TEN, None, "Middle/Earth").zone == "UTC"


@pytest.mark.parametrize("tag", ["", "xx", "../etc", "de_DE", "pt-BR", "zh-Hant-TW"])
def test_any_locale_tag_is_taken(tag: str) -> None:
    assert moments.span(TEN, SIX, "UTC", tag).date


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "shown"),
    [
        (1250, "EUR", "en", "€12.50"),
        (1250, "EUR", "de", "12,50\u00a0€"),
        (1250, "JPY", "en", "¥1,250"),
        (0, "USD", "en", "$0.00"),
        (-4000, "EUR", "en", "-€40.00"),
    ],
)
def test_amounts_have_their_currencys_digits(minor: int, currency: str, locale: str, shown: str) -> None:
    assert amount(minor, currency, locale) == shown


def test_rich_text_becomes_readable_plain_text() -> None:
    rich = "<h1>Hi</h1><p>a &amp; b<br>c</p><ul><li>one<li>two</ul><script>x()</script><style>y</style>"
    assert plain.from_html(rich) == "Hi\n\na & b\nc\n\n• one\n• two"


def test_less_than_signs_survive() -> None:
    assert plain.from_html("1 < 2 and <3") == "1 < 2 and <3"


def test_comments_are_not_words() -> None:
    assert plain.from_html("<!-- <p>x</p> -->Hi <b>there</b><!-- y") == "Hi there<!-- y"


@pytest.mark.parametrize("piece", ["<a ", "<!--", "</", "<!", "<", "&#"])
def test_tags_without_end_take_no_time(piece: str) -> None:
    """The parser of the standard library needs a minute for the first of them."""
    text, began = piece * (50_000 // len(piece)), time.process_time()
    assert plain.from_html(text) == text.strip()
    assert time.process_time() - began < 2


def test_invisible_characters_cannot_turn_a_name_around() -> None:
    assert plain.one_line("a\u202eb\x00c\nd\u200b") == "abc d"
