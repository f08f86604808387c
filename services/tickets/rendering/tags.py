"""Three elements of our own in the HTML that xhtml2pdf reads.

`<sdtext value="…" size="24" min="12" lines="3" weight="bold" colour="#ffffff">` draws foreign text: any script, any
direction, shrunk to fit its place. `<sdrow widths="88 16" align="lr" c1="…" c2="…">` draws such texts side by side, for
a fraction of what a table's row costs. `<sdqr value="…" size="120">` draws a QR code. They take their texts from
attributes, so that no markup in them is ever read as markup.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any
from zlib import compress

import zxingcpp
from reportlab.lib.colors import HexColor
from reportlab.pdfbase.pdfdoc import PDFImageXObject
from reportlab.platypus.flowables import Flowable
from xhtml2pdf import default, parser
from xhtml2pdf.tags import pisaTag

from services.tickets.rendering import breaking, shaping, typefaces
from services.tickets.rendering.shaping import Run

ASCENT = 1.02  # where the baseline lies below the top of a line, in multiples of the size, at a leading of 1.24
INK, GREY = "#1b1f27", "#6b7385"
RULES: Mapping[str, tuple[float, str, list[float]]] = {
    "heavy": (0.8, INK, []),
    "light": (0.4, "#d5dae3", []),
    "dashed": (0.5, "#9aa2b1", [2, 2]),
}
CELL_SIDE = 4.0
MOST_CELLS = 5
MM = 72 / 25.4
LABEL_SIZE = 7.5
FILL, FILL_AND_STROKE = 0, 2  # PDF text rendering modes
QR_SCALE = 8  # pixels per module: viewers that smooth pictures still leave sharp edges


class TextBlock(Flowable):
    """Lines of foreign text, as large as its place allows."""

    def __init__(
        self,
        text: str,
        *,
        size: float,
        smallest: float,
        lines: int,
        is_bold: bool,
        colour: str,
        align: str,
        gap: float = 0,
        label: str = "",
        padding: tuple[float, float] = (0, 0),
        background: str = "",
        rule: str = "",
    ) -> None:
        super().__init__()
        self.text = typefaces.drawable(text)
        self.padding, self.background, self.rule = padding, background, rule
        self.is_bold, self.align, self.gap, self.label = is_bold, align, gap, label
        self.is_rtl = shaping.is_rtl(self.text)
        self.most_lines = lines
        self.sizes = breaking.sizes_between(size, smallest)
        self.colour = _colour(colour)
        self.width = -1.0
        self.fitted = breaking.Fitted((), size, is_cut=False)

    def wrap(self, room: float, height: float) -> tuple[float, float]:
        if self.width != room:
            inner = room - 2 * self.padding[1]
            self.fitted = breaking.fit(self.text, inner, self.sizes, self.most_lines, self._width)
            self.leading = self.fitted.size * shaping.leading(self.text)
            if self.align == "start":
                self.align = "right" if self.is_rtl and len(self.fitted.lines) > 1 else "left"
            self.head = LABEL_SIZE * shaping.leading(self.label) if self.label else 0
            self.lines_height = self.head + self.leading * len(self.fitted.lines)
            self.width, self.height = room, self.lines_height + self.gap + 2 * self.padding[0]
        return self.width, self.height

    def _width(self, text: str) -> float:
        return shaping.width(text, is_bold=self.is_bold)

    def draw(self) -> None:
        self.canv.saveState()
        _draw_box(self.canv, self.width, self.height, self.background, self.rule)
        left, top = self.padding[1], self.height - self.padding[0]
        if self.label:
            self._draw_runs(shaping.runs(self.label, is_bold=False), left, top - LABEL_SIZE, LABEL_SIZE, _colour(GREY))
        size = self.fitted.size
        baseline = top - self.head - self.leading / 2 - size * (ASCENT - 0.62)
        for line in self.fitted.lines:
            runs = shaping.runs(line, is_bold=self.is_bold, is_rtl=self.is_rtl)
            slack = self.width - 2 * left - sum(run.width for run in runs) * size
            self._draw_runs(runs, left + (slack if self.align == "right" else 0), baseline, size, self.colour)
            baseline -= self.leading
        self.canv.restoreState()

    def _draw_runs(self, runs: Sequence[Run], x: float, y: float, size: float, colour: Any) -> None:
        self.canv.setFillColor(colour)
        for run in runs:
            _draw_run(self.canv, run, x, y, size, colour)
            x += run.width * size


class Row(Flowable):
    """Texts side by side, with a line below. A cell may have a second, smaller text under the first."""

    def __init__(self, cells: Sequence[Sequence[TextBlock]], widths: Sequence[float], pad: float, rule: str) -> None:
        super().__init__()
        self.cells, self.widths, self.pad, self.rule = cells, widths, pad, rule

    def wrap(self, room: float, height: float) -> tuple[float, float]:
        self.width = sum(self.widths)
        heights = [
            sum(block.wrap(width - 2 * CELL_SIDE, height)[1] for block in cell)
            for cell, width in zip(self.cells, self.widths, strict=True)
        ]
        self.height = max(heights) + 2 * self.pad
        return self.width, self.height

    def draw(self) -> None:
        _draw_box(self.canv, self.width, self.height, "", self.rule)
        x = 0.0
        for cell, width in zip(self.cells, self.widths, strict=True):
            y = self.height - self.pad
            for block in cell:
                y -= block.height
                block.drawOn(self.canv, x + CELL_SIDE, y)
            x += width


def _draw_box(canvas: Any, width: float, height: float, background: str, rule: str) -> None:
    """What lies behind a block and the line at its foot."""
    if background:
        canvas.setFillColor(_colour(background))
        canvas.rect(0, 0, width, height, stroke=0, fill=1)
    if rule:
        thickness, colour, dashes = RULES[rule]
        canvas.saveState()
        canvas.setLineWidth(thickness)
        canvas.setStrokeColor(_colour(colour))
        canvas.setDash(dashes)
        canvas.line(0, 0, width, 0)
        canvas.restoreState()


def _draw_run(canvas: Any, run: Run, x: float, y: float, size: float, colour: Any) -> None:
    text = canvas.beginText(x, y)
    text.setFont(run.file, size)
    if run.is_thickened:
        canvas.setLineWidth(size * 0.03)
        canvas.setStrokeColor(colour)
        text.setTextRenderMode(FILL_AND_STROKE)
    text.textOut(run.glyphs)
    if run.is_thickened:
        text.setTextRenderMode(FILL)
    if run.glyphs == run.text or run.is_backwards:
        canvas.drawText(text)
        return
    # Glyphs that were moved and merged: say what they spell to whoever copies, searches or listens. Not for text that
    # runs backwards, since readers turn that around themselves.
    spelled = ("\ufeff" + run.text).encode("utf-16-be").hex().upper()
    canvas._code.append(f"/Span <</ActualText <{spelled}>>> BDC")
    canvas.drawText(text)
    canvas._code.append("EMC")


@lru_cache(maxsize=64)
def _colour(value: str) -> Any:
    return HexColor(value)


class QrCode(Flowable):
    """A square QR code, dark modules on white, with the quiet zone that the standard asks for."""

    def __init__(self, value: str, size: float, gap: float) -> None:
        super().__init__()
        self.value, self.size, self.gap = value, size, gap

    def wrap(self, room: float, height: float) -> tuple[float, float]:
        return self.size, self.size + self.gap

    def draw(self) -> None:
        name = "qr" + sha256(self.value.encode()).hexdigest()[:16]
        registered = self.canv._doc.getXObjectName(name)
        if registered not in self.canv._doc.idToObject:
            image = _image(name, self.value)
            self.canv._setXObjects(image)
            self.canv._doc.Reference(image, registered)
            self.canv._doc.addForm(name, image)
        self.canv._formsinuse.append(name)
        self.canv.saveState()
        self.canv.translate(0, self.gap)
        self.canv.scale(self.size, self.size)
        self.canv._code.append(f"/{registered} Do")
        self.canv.restoreState()


def _image(name: str, value: str) -> PDFImageXObject:
    """A picture of one bit per pixel; reportlab would make 24 of them."""
    image = PDFImageXObject(name)
    image.width, image.streamContent = qr_bitmap(value)
    image.height, image._filters = image.width, ("FlateDecode",)
    return image


@lru_cache(maxsize=64)
def qr_bitmap(value: str) -> tuple[int, bytes]:
    """Side length in pixels and the deflated one-bit picture (1 is white)."""
    barcode = zxingcpp.create_barcode(value, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    modules: Any = zxingcpp.write_barcode_to_image(barcode, scale=1, add_quiet_zones=True)
    side, cells, rows = modules.shape[0], bytes(memoryview(modules)), bytearray()
    for row in range(side):
        # Eight pixels per module: each module is exactly one byte of the packed picture.
        rows += cells[row * side : (row + 1) * side] * QR_SCALE
    return side * QR_SCALE, compress(bytes(rows), 6)


class _TextTag(pisaTag):
    def start(self, c: Any) -> None:
        attr = self.attr
        vertical, _, horizontal = attr.pad.partition(" ")
        c.addPara()
        block = TextBlock(
            attr.value or "",
            size=float(attr.size),
            smallest=float(attr.min or attr.size),
            lines=int(attr.lines),
            is_bold=attr.weight == "bold",
            colour=attr.colour,
            align=attr.align,
            gap=float(attr.gap),
            label=attr.label or "",
            padding=(float(vertical), float(horizontal or vertical)),
            background=attr.background or "",
            rule=attr.rule or "",
        )
        c.addStory(block)


class _RowTag(pisaTag):
    def start(self, c: Any) -> None:
        attr = self.attr
        widths = [float(width) * MM for width in attr.widths.split()]
        c.addPara()
        c.addStory(Row([self._cell(number) for number in range(len(widths))], widths, float(attr.pad), attr.rule or ""))

    def _cell(self, number: int) -> list[TextBlock]:
        attr = self.attr
        colours = attr.colour.split()
        align = "right" if attr.align[number : number + 1] == "r" else "left"
        first = TextBlock(
            attr[f"c{number + 1}"] or "",
            size=float(attr.size),
            smallest=min(float(attr.min), float(attr.size)),
            lines=int(attr.lines),
            is_bold=attr.bold[number : number + 1] == "1",
            colour=colours[min(number, len(colours) - 1)],
            align=align,
        )
        below = attr[f"s{number + 1}"]
        if not below:
            return [first]
        return [first, TextBlock(below, size=7.5, smallest=5, lines=1, is_bold=False, colour=GREY, align=align)]


class _QrTag(pisaTag):
    def start(self, c: Any) -> None:
        c.addPara()
        c.addStory(QrCode(self.attr.value, float(self.attr.size), float(self.attr.gap)))


def register() -> None:
    """Teaches xhtml2pdf the elements; it finds tags by name in its parser module."""
    string = default.STRING
    default.TAGS["sdtext"] = (
        1,
        {
            "value": string,
            "size": (string, "10"),
            "min": string,
            "lines": (string, "1"),
            "weight": (string, "normal"),
            "colour": (string, INK),
            "align": (string, "left"),
            "gap": (string, "0"),
            "label": string,
            "pad": (string, "0"),
            "background": string,
            "rule": string,
        },
    )
    default.TAGS["sdrow"] = (
        1,
        {
            "widths": (string, default.MUST),
            "align": (string, ""),
            "bold": (string, ""),
            "size": (string, "9.5"),
            "min": (string, "6"),
            "lines": (string, "1"),
            "colour": (string, INK),
            "pad": (string, "0"),
            "rule": string,
            **{f"{kind}{number}": string for kind in "cs" for number in range(1, MOST_CELLS + 1)},
        },
    )
    default.TAGS["sdqr"] = (1, {"value": (string, default.MUST), "size": (string, "120"), "gap": (string, "0")})
    parser.pisaTagSDTEXT = _TextTag
    parser.pisaTagSDROW = _RowTag
    parser.pisaTagSDQR = _QrTag
