"""Which of our font files draws which character. A file is read when the first character needs it, once per process."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from unicodedata import category

from reportlab.pdfbase import pdfmetrics, ttfonts

FONTS = Path(__file__).parent / "fonts"
FAMILY = "stagedoor"  # what our style sheets call the Latin typeface


@dataclass(frozen=True)
class Typeface:
    """One script's font. Where only one weight is kept, bold text is its outline with a thin stroke around it."""

    regular: str
    bold: str
    is_shaped: bool = True  # its letters change with their neighbours: HarfBuzz chooses and places the glyphs
    is_thickened: bool = False
    leading: float = 1.45  # line height in multiples of the size

    def file_for(self, *, is_bold: bool) -> str:
        return self.bold if is_bold else self.regular


LATIN = Typeface("NotoSans-Regular", "NotoSans-SemiBold", is_shaped=False, leading=1.24)
HAN = Typeface("DroidSansFallback-Regular", "DroidSansFallback-Regular", False, True, 1.3)
HANGUL = Typeface("NotoSansKR-Medium", "NotoSansKR-Medium", False, True, 1.3)
EMOJI = Typeface("NotoEmoji-Medium", "NotoEmoji-Medium", leading=1.3)
SYMBOLS = Typeface("NotoSansSymbols2-Regular", "NotoSansSymbols2-Regular", False, True, 1.3)
ARABIC = Typeface("NotoSansArabic-Regular", "NotoSansArabic-SemiBold", leading=1.55)
DEVANAGARI = Typeface("NotoSansDevanagari-Regular", "NotoSansDevanagari-SemiBold")
ORIYA = Typeface("NotoSansOriya-Regular", "NotoSansOriya-Regular", is_thickened=True)


def _medium(script: str, *, is_shaped: bool = True) -> Typeface:
    return Typeface(f"NotoSans{script}-Medium", f"NotoSans{script}-Medium", is_shaped)


# First code point, last code point, candidates in the order in which they are asked.
_BLOCKS: tuple[tuple[int, int, tuple[Typeface, ...]], ...] = (
    (0x0530, 0x058F, (_medium("Armenian", is_shaped=False),)),
    (0x0590, 0x05FF, (_medium("Hebrew"),)),
    (0x0600, 0x08FF, (ARABIC,)),
    (0x0900, 0x097F, (DEVANAGARI,)),
    (0x0980, 0x09FF, (_medium("Bengali"),)),
    (0x0A00, 0x0A7F, (_medium("Gurmukhi"),)),
    (0x0A80, 0x0AFF, (_medium("Gujarati"),)),
    (0x0B00, 0x0B7F, (ORIYA,)),
    (0x0B80, 0x0BFF, (_medium("Tamil"),)),
    (0x0C00, 0x0C7F, (_medium("Telugu"),)),
    (0x0C80, 0x0CFF, (_medium("Kannada"),)),
    (0x0D00, 0x0D7F, (_medium("Malayalam"),)),
    (0x0D80, 0x0DFF, (_medium("Sinhala"),)),
    (0x0E00, 0x0E7F, (_medium("Thai"),)),
    (0x0E80, 0x0EFF, (_medium("Lao"),)),
    (0x1000, 0x109F, (_medium("Myanmar"),)),
    (0x10A0, 0x10FF, (_medium("Georgian", is_shaped=False),)),
    (0x1200, 0x139F, (_medium("Ethiopic", is_shaped=False),)),
    (0x1780, 0x17FF, (_medium("Khmer"),)),
    (0x19E0, 0x19FF, (_medium("Khmer"),)),
    (0x1C90, 0x1CBF, (_medium("Georgian", is_shaped=False),)),
    (0x2100, 0x2BFF, (EMOJI, SYMBOLS)),
    (0x2D00, 0x2D2F, (_medium("Georgian", is_shaped=False),)),
    (0x2D80, 0x2DDF, (_medium("Ethiopic", is_shaped=False),)),
    (0x2E80, 0x3130, (HAN,)),
    (0x3131, 0x318E, (HANGUL,)),
    (0x31C0, 0x9FFF, (HAN,)),
    (0xA8E0, 0xA8FF, (DEVANAGARI,)),
    (0xAC00, 0xD7A3, (HANGUL,)),
    (0xF900, 0xFAFF, (HAN,)),
    (0xFB13, 0xFB17, (_medium("Armenian", is_shaped=False),)),
    (0xFB1D, 0xFB4F, (_medium("Hebrew"),)),
    (0xFB50, 0xFDFF, (ARABIC,)),
    (0xFE30, 0xFE4F, (HAN,)),
    (0xFE70, 0xFEFF, (ARABIC,)),
    (0xFF00, 0xFFEF, (HAN, HANGUL)),
    (0x1F000, 0x1FAFF, (EMOJI, SYMBOLS)),
)
_STARTS = [start for start, _, _ in _BLOCKS]


class Font(ttfonts.TTFont):
    """A TrueType font that can draw any of its glyphs, and says in the PDF which letters a glyph stands for."""

    FIRST_PRIVATE = 0xE000

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, path)
        self.coverage = frozenset(self.face.charToGlyph)
        self.harfbuzz = self.hbFont(1000)
        self.spelled: dict[int, str] = {}
        self._private: dict[tuple[int, str], str] = {}

    def char_for(self, glyph: int, text: str) -> str:
        """A character that draws the glyph: the text itself if that is its only one, otherwise one of private use."""
        if len(text) == 1 and ord(text) in self.coverage and self.face.charToGlyph[ord(text)] == glyph:
            return text
        return self._private.get((glyph, text)) or self._add_private(glyph, text)

    def _add_private(self, glyph: int, text: str) -> str:
        code = self.FIRST_PRIVATE + len(self._private)
        self.face.charToGlyph[code] = glyph
        self.face.charWidths[code] = self.pdfScale(self.harfbuzz.get_glyph_h_advance(glyph))
        self.spelled[code] = text
        self._private[glyph, text] = chr(code)
        return chr(code)

    def addObjects(self, doc: Any) -> None:  # noqa: N802
        """reportlab lets readers copy the characters' own codes; ours also says what the private ones stand for."""
        original, ttfonts.makeToUnicodeCMap = ttfonts.makeToUnicodeCMap, self._to_unicode
        try:
            super().addObjects(doc)
        finally:
            ttfonts.makeToUnicodeCMap = original

    def _to_unicode(self, name: str, subset: list[int]) -> str:
        pairs = [f"<{index:02X}> <{self._letters(code)}>" for index, code in enumerate(subset)]
        blocks = (pairs[start : start + 100] for start in range(0, len(pairs), 100))  # the format's limit
        return _TO_UNICODE.format(
            name=name,
            last=len(subset) - 1,
            maps="\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks),
        )

    def _letters(self, code: int) -> str:
        return self.spelled.get(code, chr(code)).encode("utf-16-be").hex().upper()


_TO_UNICODE = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry ({name}) /Ordering ({name}) /Supplement 0 >> def
/CMapName /{name} def
/CMapType 2 def
1 begincodespacerange
<00> <{last:02X}>
endcodespacerange
{maps}
endcmap
CMapName currentdict /CMap defineresource pop
end
end"""


@cache
def font(file: str) -> Font:
    """The font, registered with reportlab under its file's name."""
    loaded = Font(file, str(FONTS / f"{file}.ttf"))
    pdfmetrics.registerFont(loaded)
    return loaded


def covers(typeface: Typeface, code: int) -> bool:
    return code in font(typeface.regular).coverage


def _candidates(code: int) -> tuple[Typeface, ...]:
    block = bisect_right(_STARTS, code) - 1
    if block >= 0 and code <= _BLOCKS[block][1]:
        return _BLOCKS[block][2]
    return ()


@lru_cache(maxsize=4096)
def typeface_of(char: str) -> Typeface | None:
    """The typeface that has this character; None where none has, and a visible box is drawn instead."""
    code = ord(char)
    return next((face for face in (LATIN, *_candidates(code)) if covers(face, code)), None)


def _follows(char: str, current: Typeface) -> bool:
    """Spaces, joiners and marks stay with the letters before them, as long as that font knows them."""
    if char in "\u200c\u200d" or category(char)[0] == "M" or 0x1F3FB <= ord(char) <= 0x1F3FF:
        return True
    return char == " " and current.is_shaped and current is not EMOJI and covers(current, 32)


def drawable(text: str) -> str:
    """The text with U+FFFD, which is seen, in place of each character that none of our fonts has."""
    if font(LATIN.regular).coverage.issuperset(map(ord, text)):
        return text
    return "".join(char if char in "\n\u200c\u200d" or typeface_of(char) else "\ufffd" for char in text)


def split(text: str) -> Iterator[tuple[str, Typeface]]:
    """Cuts the text into the longest runs that one typeface draws."""
    if font(LATIN.regular).coverage.issuperset(map(ord, text)):
        if text:
            yield text, LATIN
        return
    start, current = 0, None
    for index, char in enumerate(text):
        if current is not None and _follows(char, current):
            continue
        chosen = typeface_of(char) or LATIN
        if current is not None and chosen is not current:
            yield text[start:index], current
            start = index
        current = chosen
    if current is not None:
        yield text[start:], current
