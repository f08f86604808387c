"""Rows and messages in, views out: what goes on a ticket, an order's pages and into mails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from chassis.messages import from_stamp
from proto.events.events_pb2 import Event as EventState
from proto.events.events_pb2 import Seller
from proto.orders.orders_pb2 import OrderState
from services.tickets.domain.moments import DEFAULT_LOCALE
from services.tickets.domain.qr import Code, Keys
from services.tickets.rendering.views import EventView, InvoiceView, LineView, OrderView, PlatformView, TicketView

WAYS_TO_PAY: Mapping[str, str] = {
    "stripe": "Card",
    "paypal": "PayPal",
    "bank": "Bank transfer",
    "cheque": "Cheque",
    "onsite": "On site",
    "invoice": "Invoice",
}


@dataclass(frozen=True)
class Desk:
    """What every page of this installation has in common."""

    keys: Keys
    platform: PlatformView
    public_url: str
    frontend_url: str

    @property
    def host(self) -> str:
        """The right side of calendar ids."""
        return urlsplit(self.public_url).hostname or "stagedoor"

    def page_url(self, identifier: str) -> str:
        """Where the buyer sees the order."""
        return f"{self.frontend_url}/orders/{identifier}/view"

    def ticket_url(self, token: str) -> str:
        """The mailed link: works without login, and dies with the ticket."""
        return f"{self.public_url}/v1/tickets/download/{token}"

    def attendee_url(self, attendee_id: int) -> str:
        """For those who are logged in and may."""
        return f"{self.public_url}/v1/orders/attendees/{attendee_id}.pdf"

    def order_url(self, identifier: str) -> str:
        """All tickets of an order as one PDF, for those who are logged in and may."""
        return f"{self.public_url}/v1/orders/{identifier}/tickets-pdf"


_desk: Desk | None = None


def configure(desk: Desk) -> None:
    """Binds this process to its desk."""
    global _desk
    _desk = desk


def desk() -> Desk:
    """The desk of this process."""
    if _desk is None:
        raise RuntimeError("services.tickets.pages.configure() has not been called in this process")
    return _desk


def serial_number(serial: int) -> str:
    """As people read it: `T-0001234`."""
    return f"T-{serial:07d}"


def event_view(order: OrderState, newer: EventState | None) -> EventView:
    """The event as the replica knows it, otherwise as it was when the order was paid."""
    is_newer = newer is not None and not newer.deleted
    facts: Any = newer if is_newer else order.event
    return EventView(
        name=facts.name or order.event.name,
        starts_at=from_stamp(facts.starts_at) or datetime(1970, 1, 1, tzinfo=UTC),
        ends_at=from_stamp(facts.ends_at),
        timezone=facts.timezone or "UTC",
        place=facts.location_name,
        is_online=facts.online,
        organizer=facts.owner_name,
        message=facts.after_order_message,
        version=newer.version if newer is not None and is_newer else 0,
    )


def shown(event: EventState) -> tuple[object, ...]:
    """What of an event is on a ticket."""
    return (
        event.name,
        event.starts_at.seconds,
        event.ends_at.seconds,
        event.timezone,
        event.location_name,
        event.online,
        event.owner_name,
        event.after_order_message,
    )


def ticket_view(order: OrderState, event: EventView, ticket: Any) -> TicketView:
    """One attendee's page. `ticket` is a row of the tickets table."""
    code = Code(event_id=ticket.event_id, attendee_id=ticket.attendee_id, serial=ticket.serial, issue=ticket.issue)
    return TicketView(
        event=event,
        holder_name=ticket.holder_name or order.buyer_name,
        holder_email=ticket.holder_email,
        ticket_name=ticket.ticket_name,
        order_number=order_number(order),
        serial=serial_number(ticket.serial),
        code=desk().keys.sign(code),
        platform=desk().platform,
        locale=order.locale or DEFAULT_LOCALE,
    )


def order_view(order: OrderState, event: EventView, tickets: Sequence[TicketView]) -> OrderView:
    """The purchaser's pages."""
    return OrderView(
        event=event,
        number=order_number(order),
        buyer_name=order.buyer_name,
        buyer_email=order.buyer_email,
        ordered_at=from_stamp(order.created_at) or from_stamp(order.completed_at) or event.starts_at,
        currency=order.currency,
        lines=[
            LineView(line.ticket_name, line.quantity, line.price_minor, line.total_minor, line.discount_minor)
            for line in order.lines
        ],
        total_minor=order.amount_minor,
        tickets=tickets,
        tax_name=" ".join(filter(None, (order.tax_name, f"{order.tax_rate} %" if order.tax_rate else ""))),
        tax_minor=order.tax_minor,
        is_tax_included=order.tax_included,
        paid_with=WAYS_TO_PAY.get(order.payment_mode, "") if order.amount_minor else "",
        platform=desk().platform,
        locale=order.locale or DEFAULT_LOCALE,
    )


def invoice_view(order: OrderState, summary: OrderView, seller: Seller) -> InvoiceView:
    """The invoice. The buyer is named as the billing data says, otherwise as the order does; the seller as the tax does."""
    billing = order.billing
    street = [billing.company, "" if billing.company == order.buyer_name else order.buyer_name, billing.address]
    town = [" ".join(filter(None, (billing.zipcode, billing.city))), billing.state, billing.country]
    company = seller.company or summary.event.organizer or summary.event.name
    seat = [" ".join(filter(None, (seller.zip, seller.city))), seller.state, seller.country]
    return InvoiceView(
        order=summary,
        number=order.invoice_number or order_number(order),
        issued_at=from_stamp(order.completed_at) or summary.ordered_at,
        seller=[company, seller.address, *seat, seller.tax_id],
        buyer=[*street, *town, billing.tax_info, order.buyer_email],
        footer=seller.invoice_footer,
    )


def order_number(order: OrderState) -> str:
    """As existing installations print it: `O`, when it was made, and its number."""
    return f"O{order.created_at.seconds}-{order.id}" if order.created_at.seconds else order.identifier
