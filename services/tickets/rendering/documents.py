"""Views in, PDF bytes out. HTML from our templates, laid out by xhtml2pdf; runs in the render pool's processes."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from reportlab.lib.fonts import addMapping
from xhtml2pdf import default
from xhtml2pdf.config.resources import ResourceAccessPolicy
from xhtml2pdf.document import pisaDocument

from services.tickets.domain import moments, plain
from services.tickets.domain.amounts import amount
from services.tickets.rendering import tags, typefaces
from services.tickets.rendering.joining import joined
from services.tickets.rendering.views import EventView, InvoiceView, LineView, OrderView, TicketView
from services.tickets.rendering.words import words

TEMPLATES = Path(__file__).parent / "templates"
RENDER_SECONDS = 20
TICKETS_AT_ONCE = 100
# Our pages need no file and no address at all: fonts are registered, the QR code is drawn, text is text.
NOTHING = ResourceAccessPolicy.server(
    base_dir=None, allow_remote=False, max_resources=0, max_render_seconds=RENDER_SECONDS
)


class UnrenderableError(Exception):
    """This document cannot be made; trying again would give the same."""


def render_ticket(view: TicketView) -> bytes:
    """One attendee's ticket: one A4 page."""
    page = _ticket(view)
    return _pdf("ticket.html", page["title"], t=page)


def render_order(view: OrderView) -> bytes:
    """The purchaser's document: the order with its amounts, then each attendee's ticket on its own page."""
    return joined([part() for part in order_parts(view)])


def order_parts(view: OrderView) -> Sequence[Callable[[], bytes]]:
    """The same, in documents that take about the same time each: a thousand tickets at once would take too long."""
    some = [view.tickets[at : at + TICKETS_AT_ONCE] for at in range(0, len(view.tickets), TICKETS_AT_ONCE)]
    return [
        partial(render_summary, view, len(some[0]) if some else 0),
        *(partial(render_tickets, each) for each in some[1:]),
    ]


def render_summary(view: OrderView, tickets: int) -> bytes:
    """The order with its amounts, and the pages of that many of its tickets."""
    pages = _order(view)
    return _pdf("order.html", pages["title"], o=pages, drawn=pages["tickets"][:tickets])


def render_tickets(views: Sequence[TicketView]) -> bytes:
    """Some attendees' tickets, a page each."""
    pages = [_ticket(view) for view in views]
    return _pdf("tickets.html", pages[0]["title"], tickets=pages)


def render_invoice(view: InvoiceView) -> bytes:
    """The order's invoice."""
    pages = _invoice(view)
    return _pdf("invoice.html", pages["title"], i=pages)


def warm_up() -> None:
    """Reads fonts and templates before the first document asks for them."""
    _environment().get_template("order.html")
    for is_bold in (False, True):
        typefaces.font(typefaces.LATIN.file_for(is_bold=is_bold))


def refuse_every_link(uri: str, rel: str | None = None) -> NoReturn:
    """xhtml2pdf asks before it reads a file or an address. None of ours exists, so any is somebody else's wish."""
    raise PermissionError(f"A page may not read {uri[:80]!r}")


@cache
def _environment() -> Environment:
    _prepare_xhtml2pdf()
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    # Ours and the same for every page; it never holds user text, so it may go in as it is.
    environment.globals["sheet"] = Markup((TEMPLATES / "page.css").read_text("utf-8"))  # noqa: S704
    return environment


def _prepare_xhtml2pdf() -> None:
    """xhtml2pdf finds fonts by family in its own table and reportlab's: name ours there, once per process."""
    tags.register()
    for is_bold in (False, True):
        file = typefaces.LATIN.file_for(is_bold=is_bold)
        typefaces.font(file)
        for is_italic in (False, True):
            addMapping(typefaces.FAMILY, int(is_bold), int(is_italic), file)
    default.DEFAULT_FONT[typefaces.FAMILY] = typefaces.FAMILY


@cache
def _default_sheet() -> str:
    """Instead of xhtml2pdf's own default sheet, which takes longer to read than our whole page."""
    return (TEMPLATES / "base.css").read_text("utf-8")


def _pdf(template: str, title: str, **values: Any) -> bytes:
    html = _environment().get_template(template).render(**values)
    target = BytesIO()
    result = pisaDocument(
        html,
        target,
        default_css=_default_sheet(),
        encoding="utf-8",
        context_meta={"title": title},
        link_callback=refuse_every_link,
        resource_policy=NOTHING,
    )
    if result.err:
        raise UnrenderableError("; ".join(str(entry[2]) for entry in result.log)[:500])
    return target.getvalue()


def _ticket(view: TicketView) -> Mapping[str, Any]:
    said = words(view.locale)
    event = view.event
    return {
        "platform": {"name": plain.one_line(view.platform.name), "colour": view.platform.colour},
        "words": said,
        "locale": view.locale,
        "event": {"name": plain.one_line(event.name)},
        "title": plain.one_line(f"{said['ticket']} – {event.name}"),
        "holder_name": plain.one_line(view.holder_name) or "–",
        "holder_email": plain.one_line(view.holder_email),
        "ticket_name": plain.one_line(view.ticket_name),
        "order_number": plain.one_line(view.order_number),
        "serial": plain.one_line(view.serial),
        "code": view.code,
        "span": moments.span(event.starts_at, event.ends_at, event.timezone, view.locale),
        "place": _place(event, said),
        "message": plain.from_html(event.message),
        "instruction": said["show_online"] if event.is_online and not event.place else said["show"],
        "footer": plain.one_line("  ·  ".join(filter(None, (event.organizer, view.platform.name, view.platform.url)))),
    }


def _order(view: OrderView) -> Mapping[str, Any]:
    said = words(view.locale)
    event = view.event

    def money(minor: int) -> str:
        return amount(minor, view.currency, view.locale)

    def line(row: LineView) -> Mapping[str, Any]:
        return {
            "ticket_name": plain.one_line(row.ticket_name),
            "quantity": str(row.quantity),
            "price": money(row.price_minor),
            "discount": money(-row.discount_minor) if row.discount_minor else "",
            "amount": money(row.amount_minor),
        }

    tax_label = plain.one_line(view.tax_name) or said["tax"]
    return {
        "platform": {"name": plain.one_line(view.platform.name), "colour": view.platform.colour},
        "words": said,
        "locale": view.locale,
        "title": plain.one_line(f"{said['order']} {view.number} – {event.name}"),
        "event": {"name": plain.one_line(event.name)},
        "span": str(moments.span(event.starts_at, event.ends_at, event.timezone, view.locale)),
        "place": _place(event, said),
        "number": plain.one_line(view.number),
        "buyer_name": plain.one_line(view.buyer_name) or "–",
        "buyer_email": plain.one_line(view.buyer_email),
        "ordered": moments.day_and_time(view.ordered_at, event.timezone, view.locale),
        "payment": plain.one_line(view.paid_with) or said["no_payment"],
        "lines": [line(row) for row in view.lines],
        "tax": money(view.tax_minor) if view.tax_minor else "",
        "tax_label": f"{said['included']} {tax_label}" if view.is_tax_included else tax_label,
        "total": money(view.total_minor),
        "tickets": [_ticket(ticket) for ticket in view.tickets],
    }


def _invoice(view: InvoiceView) -> Mapping[str, Any]:
    order = view.order
    said = words(order.locale)
    return {
        **_order(order),
        "title": plain.one_line(f"{said['invoice']} {view.number}"),
        "invoice_number": plain.one_line(view.number) or "–",
        "date": moments.day(view.issued_at, order.event.timezone, order.locale),
        "seller": "\n".join(filter(None, map(plain.one_line, view.seller))) or "–",
        "buyer": "\n".join(filter(None, map(plain.one_line, view.buyer))) or "–",
        "status": said["paid"],
        "footer": plain.paragraphs(view.footer),
    }


def _place(event: EventView, said: Mapping[str, str]) -> str:
    place = plain.one_line(event.place)
    if event.is_online:
        return f"{said['online']} · {place}" if place else said["online"]
    return place or said["no_place"]
