"""Foreign text made harmless: what a person typed, without what only machines see."""

import re
from html.parser import HTMLParser
from itertools import groupby, islice
from unicodedata import category, combining, normalize

_BLOCKS = frozenset(("address", "blockquote", "br", "div", "hr", "li", "ol", "p", "tr", "ul"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_HIDDEN = frozenset(("head", "script", "style", "template", "title"))
_KEPT = frozenset("\u200c\u200d")  # joiners shape letters; other format characters only confuse
_MARKS = 30  # on one letter: no script has more, and composing them takes the square of their number
_BLANKS = re.compile(r"[ \t\u00a0]+")
_LOOSE = re.compile(r"<(?![^<>]*>)")  # opens no tag; the parser would look for its end again and again


def one_line(text: str) -> str:
    """The text on one line, composed (NFC), without control and direction-override characters."""
    return _BLANKS.sub(" ", _visible(text).replace("\n", " ")).strip()


def paragraphs(text: str) -> str:
    """The same, but line breaks stay; never more than one empty line."""
    lines = [_BLANKS.sub(" ", line).strip() for line in _visible(text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def from_html(text: str) -> str:
    """The words of a rich text: tags become line breaks or nothing, scripts and styles vanish."""
    words = _Words()
    words.feed(_LOOSE.sub("&lt;", _without_comments(text)))
    words.close()
    return paragraphs("".join(words.found))


def _without_comments(text: str) -> str:
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start)) >= 0:
        kept.append(text[at:start])
        at = end + len("-->")
    return "".join((*kept, text[at:]))


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():  # as most names are, and looking at each character takes its time
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(map(_shown, normalize("NFC", _with_few_marks(text))))


def _with_few_marks(text: str) -> str:
    runs = groupby(text, lambda char: combining(char) > 0)
    return "".join("".join(islice(run, _MARKS) if is_marked else run) for is_marked, run in runs)


def _shown(char: str) -> str:
    kind = category(char)
    if kind == "Co":  # private use: means something else in every font
        return "\ufffd"
    return "" if kind in ("Cc", "Cf", "Cs") and char != "\n" and char not in _KEPT else char


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self.hidden += 1
        elif tag == "li":
            self.found.append("\n• ")
        elif tag in _BLOCKS | _HEADINGS:
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        elif tag in (_BLOCKS | _HEADINGS) and tag != "li":
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.found.append(data)
