"""Pages as a reader gets them: drawn again by PDFium, their text copied, their QR codes scanned."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from services.tickets.rendering import breaking, documents, shaping
from services.tickets.rendering.documents import UnrenderableError, render_order, render_ticket
from services.tickets.rendering.pool import RenderPool
from services.tickets.rendering.views import LineView
from services.tickets.tests.samples import CODE, EVENT, ORDER, TICKET, clean  # noqa: F401

MARGIN_POINTS = 42  # 15 mm, less a hair


def pages(pdf: bytes) -> list[Any]:
    return list(pypdfium2.PdfDocument(pdf))


def text(pdf: bytes) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in pages(pdf)).replace("\r\n", "\n")


def scan(page: Any) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(page.render(scale=2).to_pil())]


def test_a_ticket_is_one_page_of_a4() -> None:
    (page,) = pages(render_ticket(TICKET))
    assert [round(side) for side in page.get_size()] == [595, 842]


def test_a_ticket_says_who_what_when_and_where() -> None:
    found = text(render_ticket(TICKET))
    for words in (
        "PyConf Berlin 2026",
        "Anna-Lena Großmann",
        "anna@example.com",
        "Early Bird",
        "O1764000000-42",
        "T-1234",
        "Tuesday, November 24, 2026",
        "Central European Standard Time, UTC+01:00",
        "Kulturbrauerei, Schönhauser Allee 36, Berlin",
        "Doors open at 9:00.",
        "PyConf e.V.",
        "Stagedoor",
    ):
        assert words in found, words
    assert "10:00" in found, "nine in UTC is ten in Berlin"


def test_the_code_can_be_scanned_from_the_page() -> None:
    (page,) = pages(render_ticket(TICKET))
    assert scan(page) == [CODE]


def test_a_longest_code_can_still_be_scanned() -> None:
    (page,) = pages(render_ticket(replace(TICKET, code="SD1." + "Ab3_" * 29)))
    assert scan(page) == ["SD1." + "Ab3_" * 29]


def test_the_purchaser_gets_a_summary_and_a_page_per_attendee() -> None:
    summary, first, second = pages(render_order(ORDER))
    found = summary.get_textpage().get_text_range().replace("\r\n", " ")
    for words in ("€120.00", "-€40.00", "€200.00", "VAT 19 %", "€31.93", "Visa ending in 4242", "Bob Jones", "T-1235"):
        assert words in found, words
    assert scan(first) == [CODE]
    assert scan(second) == [CODE[:-1] + "B"]


def test_a_hundred_attendees_and_ticket_kinds_flow_over_pages() -> None:
    many = replace(
        ORDER,
        lines=tuple(LineView(f"Kind {number}", 1, 100, 100) for number in range(50)),
        tickets=tuple(replace(TICKET, holder_name=f"Person {number}") for number in range(50)),
    )
    found = text(render_order(many))
    assert all(f"Person {number}\n" in found and f"Kind {number} " in found.replace("\n", " ") for number in range(50))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("محمد بن عبد الله", id="arabic"),
        pytest.param("שלום עליכם", id="hebrew"),
        pytest.param("श्रीमती कृष्णा त्रिपाठी", id="devanagari"),
        pytest.param("王小明", id="chinese"),
        pytest.param("髙橋 さくら・ヴァイオレット", id="japanese"),
        pytest.param("김민수", id="korean"),
        pytest.param("สมชาย ใจดี", id="thai"),
        pytest.param("தமிழ்ச்செல்வி", id="tamil"),
        pytest.param("Ελένη Παπαδοπούλου", id="greek"),
        pytest.param("Михаил Ёлкин", id="cyrillic"),
        pytest.param("Nguyễn Thị Hương", id="vietnamese"),
        pytest.param("ქეთევან", id="georgian"),
    ],
)
def test_a_name_in_any_script_is_drawn_and_can_be_copied(name: str) -> None:
    view = replace(TICKET, holder_name=name, event=replace(EVENT, name=name), ticket_name=name)
    found = text(render_ticket(view))
    assert found.count(name) == 3
    assert "\ufffd" not in found


def test_devanagari_is_shaped_and_not_spelled_letter_by_letter() -> None:
    letters = sum(shaping.width(letter, is_bold=False) for letter in "क्षत्रिय")
    assert shaping.width("क्षत्रिय", is_bold=False) < letters * 0.9


def test_arabic_letters_join_and_run_to_the_left() -> None:
    (run,) = shaping.runs("سلام", is_bold=False, is_rtl=True)
    assert run.is_backwards
    assert run.glyphs[-1] != "س", "the first letter has its initial form, and stands last from the left"
    assert len(run.glyphs) < 4 + 1


def test_a_number_inside_arabic_keeps_its_direction() -> None:
    texts = [run.text for run in shaping.runs("قاعة 15 الف", is_bold=False, is_rtl=True)]
    assert "15" in "".join(texts)
    assert texts[0].strip().startswith("ال"), "what is read last stands first from the left"


def test_a_character_that_no_font_has_is_seen_as_missing() -> None:
    assert "Bob \ufffd" in text(render_ticket(replace(TICKET, holder_name="Bob \U00013000")))


@pytest.mark.parametrize(
    "field", ["holder_name", "holder_email", "ticket_name", "order_number", "serial"], ids=lambda field: field
)
@pytest.mark.parametrize(
    "long", ["word " * 60, "W" * 300, "長" * 300, "שלום " * 60], ids=["words", "word", "cjk", "rtl"]
)
def test_a_long_text_never_leaves_its_place(field: str, long: str) -> None:
    changed: dict[str, Any] = {field: long}
    (page,) = pages(render_ticket(replace(TICKET, **changed)))
    assert_within_margins(page)


def test_a_long_event_name_place_and_message_never_leave_their_place() -> None:
    long = replace(EVENT, name="Wide Name " * 50, place="Place " * 100, message="A line that goes on. " * 500)
    (page,) = pages(render_ticket(replace(TICKET, event=long)))
    assert_within_margins(page)


def assert_within_margins(page: Any) -> None:
    width, height = page.get_size()
    found = page.get_textpage()
    boxes = [found.get_charbox(index) for index in range(found.count_chars())]
    right = max(box[2] for box in boxes)
    assert min(box[0] for box in boxes if box[2] > box[0]) > MARGIN_POINTS - 1
    assert right < width - MARGIN_POINTS + 1
    assert min(box[1] for box in boxes if box[3] > box[1]) > 20
    assert max(box[3] for box in boxes) < height - 20


def test_names_shrink_before_they_are_cut() -> None:
    width = shaping.width("m", is_bold=False)
    fitted = breaking.fit("m" * 20, 20 * width * 12, [18, 15, 12, 9], 1, lambda text: len(text) * width)
    assert (fitted.size, fitted.is_cut) == (12, False)


def test_words_stay_whole_where_a_smaller_size_allows_it() -> None:
    fitted = breaking.fit("aaaa bbbb", 40, [10, 8], 2, len)
    assert fitted.lines == ("aaaa", "bbbb")


def test_japanese_breaks_between_letters_but_not_before_a_closing_bracket() -> None:
    assert breaking.wrap("「あいう」えお", 4, len) == ["「あい", "う」えお"]


def test_what_people_typed_is_shown_and_never_obeyed() -> None:
    nasty = '<img src="file:///etc/passwd"><b>Bob</b>&"x"{{7*7}}'
    found = text(render_ticket(replace(TICKET, holder_name=nasty)))
    assert nasty in found.replace("\n", "")
    assert "49" not in found


def test_no_text_makes_the_renderer_read_a_file_or_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("socket.socket.connect", lambda *arguments: asked.append(str(arguments)))
    monkeypatch.setattr("xhtml2pdf.files.BaseFile.get_data", lambda self: asked.append(self.path))
    for nasty in (
        '"></sdtext><img src="http://127.0.0.1:9/x.png">',
        '"></sdtext><img src="/etc/passwd">',
        '</td></tr></table><link rel="stylesheet" href="http://127.0.0.1:9/x.css">',
        '</style><style>@import url("file:///etc/passwd"); @font-face { font-family: x; src: url(/etc/hosts) }</style>',
        '"><pdf:include src="/etc/passwd">',
    ):
        event = replace(EVENT, name=nasty, place=nasty, message=nasty, organizer=nasty)
        render_ticket(replace(TICKET, holder_name=nasty, ticket_name=nasty, event=event))
    assert asked == []


def test_even_our_own_templates_cannot_read_anything(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    html = '<html><body><img src="/etc/passwd"><img src="http://127.0.0.1:9/a.png"><p>still here</p></body></html>'

    class Template:
        def render(self, **values: Any) -> str:
            return html

    class Fixed:
        def get_template(self, name: str) -> Template:
            return Template()

    connected: list[Any] = []
    monkeypatch.setattr("socket.socket.connect", lambda *arguments: connected.append(arguments))
    documents.warm_up()
    monkeypatch.setattr(documents, "_environment", Fixed)
    with pytest.raises(PermissionError):
        render_ticket(TICKET)
    assert connected == []


def test_an_online_event_says_so_and_needs_no_place() -> None:
    view = replace(TICKET, event=replace(EVENT, is_online=True, place=""))
    assert "Online event" in text(render_ticket(view))


def test_an_event_over_several_days_shows_both() -> None:
    view = replace(TICKET, event=replace(EVENT, ends_at=datetime(2026, 11, 26, 17, 0, tzinfo=UTC)))
    found = text(render_ticket(view))
    assert "Tuesday, November 24, 2026" in found
    assert "Thursday, November 26, 2026" in found


def test_the_holders_language_sets_words_and_dates() -> None:
    found = text(render_ticket(replace(TICKET, locale="de-AT")))
    assert "Dienstag, 24. November 2026" in found
    assert "10:00 – 18:00" in found
    assert "Bestellung" in found


def test_two_workers_render_what_a_call_in_this_process_would() -> None:
    with RenderPool(2) as pool:
        assert "Anna-Lena Großmann" in text(pool.render_ticket(TICKET))
        assert len(pages(pool.render_order(ORDER))) == 3


def test_a_large_order_is_drawn_in_parts_none_of_which_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    many = replace(ORDER, tickets=[replace(TICKET, holder_name=f"Person {number}") for number in range(220)])
    parts: list[int] = []

    def draw(self: RenderPool, render: Callable[[], bytes]) -> bytes:
        parts.append(len(pages(part := render())))
        return part

    monkeypatch.setattr(RenderPool, "_run", draw)
    with RenderPool(1) as pool:
        whole = pool.render_order(many)
    found = [page.get_textpage().get_text_range() for page in pages(whole)]
    assert max(parts) <= documents.TICKETS_AT_ONCE + len(found) - 220
    assert [f"Person {number}" in found[number - 220] for number in range(220)] == [True] * 220
    assert "Person 219" in "".join(found[:-220]), "the summary names all of them"
    assert pypdfium2.PdfDocument(whole).get_metadata_value("Title").startswith("Order O1764000000-42")


def test_a_worker_that_dies_is_replaced_and_the_document_is_made() -> None:
    with RenderPool(1) as pool:
        pool.render_ticket(TICKET)
        assert pool._executor is not None
        for process in list(pool._executor._processes.values()):
            process.kill()
        assert pool.render_ticket(TICKET).startswith(b"%PDF")


def test_a_document_that_always_kills_its_worker_is_given_up() -> None:
    with RenderPool(1) as pool, pytest.raises(UnrenderableError):
        pool._run(_die)


def test_a_document_that_takes_too_long_is_given_up_and_the_next_is_made() -> None:
    with RenderPool(1, seconds_per_document=3) as pool:
        pool.render_ticket(TICKET)
        began = time.monotonic()
        with pytest.raises(UnrenderableError):
            pool._run(_sleep)
        assert time.monotonic() - began < 6
        assert pool.render_ticket(TICKET).startswith(b"%PDF")


def test_the_time_limit_of_a_document_does_not_include_the_start_of_its_process() -> None:
    """On a machine with too much to do, each time-out ended warm processes, and the next document waited for new ones."""
    with RenderPool(1, seconds_per_document=0.25) as pool:
        assert pool._run("drawn at once".encode) == b"drawn at once"


def test_processes_that_do_not_start_are_given_up() -> None:
    with RenderPool(1, seconds_to_start=0.01) as pool, pytest.raises(UnrenderableError, match="start"):
        pool.render_ticket(TICKET)


def _die() -> bytes:
    os._exit(3)


def _sleep() -> bytes:
    time.sleep(60)
    return b""
