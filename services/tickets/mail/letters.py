"""What the mails say: views in, subject, text and HTML out. Every date is in the event's zone, every name is escaped."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.tickets.domain import moments, plain
from services.tickets.domain.amounts import amount
from services.tickets.rendering.views import EventView, OrderView, PlatformView, TicketView

TEMPLATES = Path(__file__).parent / "templates"
LOCALE = "en"  # of the words in the templates, and so of dates and amounts among them


@dataclass(frozen=True)
class Letter:
    """A mail's words; `text` and `html` say the same."""

    subject: str
    text: str
    html: str


def ticket_letter(view: TicketView, link: str) -> Letter:
    """To an attendee: the ticket, as a link that needs no login and as the attached PDF."""
    name = plain.one_line(view.event.name)
    return _letter("ticket", f"Your ticket for {name}", view.event, view.platform, t=_ticket(view, link))


def order_letter(view: OrderView, link: str, ticket_links: Mapping[str, str]) -> Letter:
    """To the purchaser: what was bought, for whom, and where the tickets are. `ticket_links` is by serial."""
    subject = f"Your order {view.number} for {plain.one_line(view.event.name)}"
    tickets = [_ticket(ticket, ticket_links.get(ticket.serial, "")) for ticket in view.tickets]
    facts = {**_order(view), "link": link, "tickets": tickets}
    return _letter("order", subject, view.event, view.platform, o=facts)


def placed_letter(view: OrderView, instructions: str, link: str) -> Letter:
    """To the purchaser of an order that is paid outside: what to pay, and how. No ticket yet."""
    subject = f"Please pay your order {view.number} for {plain.one_line(view.event.name)}"
    facts = {**_order(view), "link": link, "instructions": plain.from_html(instructions)}
    return _letter("placed", subject, view.event, view.platform, o=facts)


def cancelled_letter(view: OrderView, note: str, *, is_buyer: bool, is_refunded: bool) -> Letter:
    """To the purchaser and to each attendee: this order's tickets are void. The organizer's note comes along."""
    subject = f"Order {view.number} for {plain.one_line(view.event.name)} was cancelled"
    facts = {
        **_order(view),
        "note": plain.paragraphs(note),
        "is_buyer": is_buyer,
        "is_refunded": is_refunded and is_buyer,
    }
    return _letter("cancelled", subject, view.event, view.platform, o=facts)


def _letter(template: str, subject: str, event: EventView, platform: PlatformView, **facts: Any) -> Letter:
    values = {"subject": subject, **_scene(event, platform), **facts}
    environment = _environment()
    text = environment.get_template(f"{template}.txt").render(values)
    html = environment.get_template(f"{template}.html").render(values)
    return Letter(subject, text.strip() + "\n", html)


@lru_cache(maxsize=64)
def _scene(event: EventView, platform: PlatformView) -> Mapping[str, Any]:
    """What all letters about an event say."""
    return {
        "event": plain.one_line(event.name),
        "when": str(moments.span(event.starts_at, event.ends_at, event.timezone, LOCALE)),
        "where": _place(event),
        "organizer": plain.one_line(event.organizer),
        "message": plain.from_html(event.message),
        "platform": {"name": plain.one_line(platform.name), "url": platform.url, "colour": platform.colour},
    }


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        auto_reload=False,
        autoescape=select_autoescape(("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _ticket(view: TicketView, link: str) -> Mapping[str, str]:
    return {
        "holder": plain.one_line(view.holder_name) or plain.one_line(view.holder_email),
        "email": plain.one_line(view.holder_email),
        "ticket": plain.one_line(view.ticket_name),
        "order": view.order_number,
        "serial": view.serial,
        "link": link,
    }


def _order(view: OrderView) -> Mapping[str, Any]:
    def money(minor: int) -> str:
        return amount(minor, view.currency, LOCALE)

    tax = ""
    if view.tax_minor:
        name = plain.one_line(view.tax_name) or "tax"
        tax = f"{'including' if view.is_tax_included else 'plus'} {money(view.tax_minor)} {name}"
    return {
        "number": view.number,
        "buyer": plain.one_line(view.buyer_name) or plain.one_line(view.buyer_email),
        "paid_with": plain.one_line(view.paid_with),
        "lines": [
            {
                "ticket": plain.one_line(line.ticket_name),
                "quantity": str(line.quantity),
                "amount": money(line.amount_minor),
                "discount": money(line.discount_minor) if line.discount_minor else "",
            }
            for line in view.lines
        ],
        "tax": tax,
        "total": money(view.total_minor),
    }


def _place(event: EventView) -> str:
    place = plain.one_line(event.place)
    if event.is_online:
        return f"Online · {place}" if place else "Online"
    return place or "To be announced"
