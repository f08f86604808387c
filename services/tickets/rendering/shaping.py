"""Text in reading order in, glyphs in drawing order out: fonts per script, directions (UAX #9), HarfBuzz if needed."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any
from unicodedata import bidirectional

import uharfbuzz
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import ShapeData, ShapedStr
from xhtml2pdf.bidi import display_order, needs_bidi

from services.tickets.rendering import typefaces
from services.tickets.rendering.typefaces import Typeface


@dataclass(frozen=True)
class Run:
    """Neighbours on a line that one font draws. `glyphs` is what the PDF gets, `text` what a person reads."""

    text: str
    glyphs: str
    file: str
    width: float  # at size 1
    is_thickened: bool
    is_backwards: bool


@lru_cache(maxsize=2048)
def runs(text: str, *, is_bold: bool, is_rtl: bool = False) -> tuple[Run, ...]:
    """One line's runs from left to right; `is_rtl` is the direction of the paragraph that the line belongs to."""
    return tuple(_run(part, face, level, is_bold) for part, face, level in _visual_parts(text, is_rtl))


def is_rtl(text: str) -> bool:
    """Whether a paragraph runs from right to left: its first letter decides."""
    kinds = (bidirectional(char) for char in text)
    return next((kind != "L" for kind in kinds if kind in ("L", "R", "AL")), False)


@lru_cache(maxsize=8192)
def width(text: str, *, is_bold: bool) -> float:
    """How wide the text is at size 1. Direction does not matter, so lines can be broken before they are reordered."""
    return sum(_run(part, face, int(is_rtl(part)), is_bold).width for part, face in typefaces.split(text))


def leading(text: str) -> float:
    """The line height that the tallest script in the text needs, in multiples of the size."""
    return max((face.leading for _, face in typefaces.split(text)), default=typefaces.LATIN.leading)


def _visual_parts(text: str, is_rtl: bool) -> Iterator[tuple[str, Typeface, int]]:
    base = "R" if is_rtl else "L"
    if not needs_bidi(text, base):
        for part, face in typefaces.split(text):
            yield part, face, 0
        return
    faces = [face for part, face in typefaces.split(text) for _ in part]
    order, levels = display_order(text, base)
    start = 0
    for position in range(1, len(order) + 1):
        if position < len(order) and _continues(order, levels, faces, position):
            continue
        first, last = sorted((order[start], order[position - 1]))
        yield text[first : last + 1], faces[first], levels[first]
        start = position


def _continues(order: list[int], levels: list[int], faces: list[Typeface], position: int) -> bool:
    before, here = order[position - 1], order[position]
    is_same = levels[before] == levels[here] and faces[before] is faces[here]
    return is_same and here - before == (-1 if levels[here] & 1 else 1)


def _run(text: str, face: Typeface, level: int, is_bold: bool) -> Run:
    file = face.file_for(is_bold=is_bold)
    typefaces.font(file)
    is_thickened = is_bold and face.is_thickened
    if not text or not (face.is_shaped or level & 1):
        return Run(text, text, file, stringWidth(text, file, 1), is_thickened, is_backwards=False)
    is_backwards = bool(level & 1)
    glyphs = _shape(text, file, is_backwards=is_backwards)
    advance = sum(place.x_advance for place in glyphs.__shapeData__) / 1000
    return Run(text, glyphs, file, advance, is_thickened, is_backwards)


def _shape(text: str, file: str, *, is_backwards: bool) -> Any:
    """What HarfBuzz makes of it, as the string that reportlab draws, with each glyph's place."""
    font = typefaces.font(file)
    buffer = uharfbuzz.Buffer()
    buffer.cluster_level = uharfbuzz.BufferClusterLevel.MONOTONE_CHARACTERS
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if is_backwards else "ltr"
    uharfbuzz.shape(font.harfbuzz, buffer)
    infos = buffer.glyph_infos
    letters = _letters(text, [info.cluster for info in infos], is_backwards=is_backwards)
    chars, places = [], []
    for info, position, spelled in zip(infos, buffer.glyph_positions, letters, strict=True):
        char = font.char_for(info.codepoint, spelled)
        figures = (position.x_advance, position.y_advance, position.x_offset, position.y_offset)
        places.append(ShapeData(info.cluster, *map(font.pdfScale, figures), font.face.charWidths[ord(char)]))
        chars.append(char)
    return ShapedStr("".join(chars), shapeData=places)


def _letters(text: str, clusters: list[int], *, is_backwards: bool) -> list[str]:
    """The letters that each glyph stands for; where several glyphs draw one cluster, the first has them all."""
    ends = dict(pairwise([*sorted(set(clusters)), len(text)]))
    in_reading_order = range(len(clusters) - 1, -1, -1) if is_backwards else range(len(clusters))
    found, told = [""] * len(clusters), set()
    for index in in_reading_order:
        start = clusters[index]
        if start not in told:
            told.add(start)
            found[index] = text[start : ends[start]]
    return found
