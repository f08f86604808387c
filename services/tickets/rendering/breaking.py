"""Where a line may end, and which size makes a text fit its place."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import category, east_asian_width

ELLIPSIS = "…"
SHRINK = 0.93
SHORT = 0.4  # of the line's room
MOST_BALANCED = 3
_AFTER = frozenset("-‐–—/,;:、。，．）」』】")  # a line may end after these without a space
_NOT_AT_START = frozenset("、。，．！？：；）」』】〉》ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ!?,.;:)]}…”’")

Width = Callable[[str], float]


@dataclass(frozen=True)
class Fitted:
    lines: tuple[str, ...]
    size: float
    is_cut: bool


def clusters(text: str) -> Iterator[str]:
    """What a reader sees as one character: a letter with its marks and joiners."""
    if text.isascii():
        yield from text
        return
    start = 0
    for index in range(1, len(text) + 1):
        if index < len(text) and _belongs(text[index - 1], text[index]):
            continue
        yield text[start:index]
        start = index


def _belongs(before: str, here: str) -> bool:
    return here in "\u200c\u200d" or before == "\u200d" or category(here)[0] == "M" or 0x1F3FB <= ord(here) <= 0x1F3FF


@lru_cache(maxsize=1024)
def pieces(text: str) -> Sequence[str]:
    """The parts between which a line may end; a piece keeps its trailing spaces."""
    found = [""]
    for cluster in clusters(text):
        piece = found[-1]
        if piece and _may_break(piece[-1], cluster[0]):
            found.append(cluster)
        else:
            found[-1] += cluster
    return [piece for piece in found if piece]


def _may_break(before: str, after: str) -> bool:
    if after == " " or after in _NOT_AT_START or category(before) in ("Ps", "Pi"):
        return False
    if before == " ":
        return True
    if before in _AFTER and not after.isdigit():
        return True
    return _is_wide(before) or _is_wide(after)


def _is_wide(char: str) -> bool:
    return east_asian_width(char) in "WF"


def fit(text: str, room: float, sizes: Sequence[float], lines: int, width: Width) -> Fitted:
    """The largest size at which the text takes at most `lines` lines; at the smallest the rest is cut with an ellipsis.

    Words stay whole while any size allows it.
    """
    if "\n" not in text and width(text) * sizes[0] <= room:
        return Fitted((text,), sizes[0], is_cut=False)
    for size in sizes[:-1]:
        broken = wrap(text, room / size, width, is_strict=True)
        if broken is not None and len(broken) <= lines:
            return Fitted(tuple(_balanced(text, broken, room / size, width)), size, is_cut=False)
    smallest = sizes[-1]
    broken = wrap(text, room / smallest, width) or [""]
    if len(broken) <= lines:
        return Fitted(tuple(broken), smallest, is_cut=False)
    kept = broken[:lines]
    kept[-1] = _with_ellipsis(kept[-1], room / smallest, width)
    return Fitted(tuple(kept), smallest, is_cut=True)


def _balanced(text: str, broken: list[str], room: float, width: Width) -> list[str]:
    """Two or three lines of a similar length instead of a last line with a single word."""
    if not 1 < len(broken) <= MOST_BALANCED or "\n" in text or width(broken[-1]) > SHORT * room:
        return broken
    for share in (0.6, 0.7, 0.8, 0.9):
        narrower = wrap(text, room * share, width, is_strict=True)
        if narrower is not None and len(narrower) == len(broken):
            return narrower
    return broken


def sizes_between(largest: float, smallest: float) -> list[float]:
    found = [largest]
    while found[-1] * SHRINK > smallest:
        found.append(round(found[-1] * SHRINK, 2))
    return [*found, smallest] if smallest < largest else found


def wrap(text: str, room: float, width: Width, *, is_strict: bool = False) -> list[str] | None:
    """Lines no wider than `room`. A word that is wider is cut, or with `is_strict` the answer is None."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in pieces(paragraph):
            if width((line + piece).rstrip()) <= room:
                line += piece
                continue
            if line:
                lines.append(line.rstrip())
            if width(piece.rstrip()) <= room:
                line = piece
            elif is_strict:
                return None
            else:
                *full, line = _chop(piece, room, width)
                lines.extend(full)
        lines.append(line.rstrip())
    return lines


def _chop(piece: str, room: float, width: Width) -> list[str]:
    parts = [""]
    for cluster in clusters(piece):
        if parts[-1] and width(parts[-1] + cluster) > room:
            parts.append("")
        parts[-1] += cluster
    return parts


def _with_ellipsis(line: str, room: float, width: Width) -> str:
    kept = list(clusters(line))
    while kept and width("".join(kept).rstrip() + ELLIPSIS) > room:
        kept.pop()
    return "".join(kept).rstrip() + ELLIPSIS
