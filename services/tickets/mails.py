"""Which mail goes to whom: each is promised in the transaction that makes it true, and promising twice sends once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from chassis.mail import Attachment, Mail, queue_mails
from chassis.mail_transports import Refused
from chassis.messages import from_stamp
from proto.orders.orders_pb2 import OrderState
from services.tickets import pages, queries, stored
from services.tickets.mail import calendar, letters
from services.tickets.mail.letters import Letter
from services.tickets.models import Order
from services.tickets.rendering.views import EventView, OrderView, TicketView
from services.tickets.storage import UnknownKey

PDF = "application/pdf"
CALENDAR = "text/calendar; method=PUBLISH; charset=utf-8"


def ticket_mails(
    order: OrderState, summary: OrderView, made: Sequence[tuple[Any, TicketView]], again: str = ""
) -> list[Mail]:
    """One mail per attendee and issue, also to attendees who share an address; without one it goes to the buyer.

    `again` names a wish to have them once more.
    """
    found: list[Mail] = []
    for ticket, view in made:
        recipient = ticket.holder_email or order.buyer_email
        if not recipient:
            continue
        letter = letters.ticket_letter(view, pages.desk().ticket_url(ticket.token))
        pdf = Attachment(f"ticket-{view.serial}.pdf", PDF, key=f"ticket:{ticket.attendee_id}:{ticket.issue}")
        about = f"attendee:{ticket.attendee_id}{again and ':' + again}"
        files = [pdf, _invitation(order, summary)]
        found.append(_mail("ticket", recipient, about, letter, files, version=ticket.issue))
    return found


def summary_mail(order: OrderState, summary: OrderView, tokens: Mapping[str, str], again: str = "") -> list[Mail]:
    """The purchaser's mail with amounts, attendees and all tickets: once, when the order's pages are first there.

    `tokens` are those of the tickets, by serial number.
    """
    if not order.buyer_email:
        return []
    links = {serial: pages.desk().ticket_url(token) for serial, token in tokens.items()}
    letter = letters.order_letter(summary, pages.desk().order_url(order.identifier), links)
    pdf = Attachment(f"order-{summary.number}.pdf", PDF, key=f"order:{order.identifier}")
    about = f"order:{order.identifier}{again and ':' + again}"
    return [_mail("order", order.buyer_email, about, letter, [pdf, _invitation(order, summary)])]


def promise_again(db: Session, order: Order, request_key: str) -> None:
    """Everything once more. A mail to an address that is not there yet for want of a PDF comes when it is drawn."""
    state = OrderState.FromString(order.state)
    event = pages.event_view(state, queries.event_state(db, order.event_id))
    tickets = queries.valid_tickets(db, order.identifier)
    views = [pages.ticket_view(state, event, ticket) for ticket in tickets]
    summary = pages.order_view(state, event, views)
    drawn = [(ticket, view) for ticket, view in zip(tickets, views, strict=True) if ticket.pdf_key]
    found = ticket_mails(state, summary, drawn, again=request_key)
    if order.pdf_key:
        found += summary_mail(state, summary, {view.serial: ticket.token for ticket, view in drawn}, again=request_key)
    queue_mails(db, found)


def promise_placed(db: Session, order: OrderState, again: str = "") -> None:
    """How to pay an order that is paid outside."""
    if not order.buyer_email:
        return
    summary = pages.order_view(order, pages.event_view(order, None), [])
    letter = letters.placed_letter(summary, order.event.payment_details, pages.desk().page_url(order.identifier))
    about = f"order:{order.identifier}{again and ':' + again}"
    queue_mails(db, [_mail("order-placed", order.buyer_email, about, letter, [])])


def promise_cancelled(db: Session, order: OrderState, note: str, *, was_paid: bool) -> None:
    """To the buyer and to each attendee's address, with the note."""
    summary = pages.order_view(order, pages.event_view(order, None), [])
    buyer = order.buyer_email.lower()
    others = sorted({attendee.email.strip().lower() for attendee in order.attendees} - {"", buyer})
    is_refunded = was_paid and order.amount_minor > 0
    found: list[Mail] = []
    for address in filter(None, [buyer, *others]):
        letter = letters.cancelled_letter(summary, note, is_buyer=address == buyer, is_refunded=is_refunded)
        about = f"order:{order.identifier}"
        found.append(_mail("order-cancelled", address, about, letter, [], version=order.version))  # each time anew
    queue_mails(db, found)


class Pdfs:
    """The PDFs as they are when a mail leaves: none for a ticket that is void or another's by then."""

    def locate(self, session: Session, keys: Sequence[str]) -> Mapping[str, str]:
        """`ticket:<attendee>:<issue>` and `order:<identifier>` to storage keys."""
        named = [key.split(":") for key in keys]
        issues = [(int(parts[1]), int(parts[2])) for parts in named if parts[0] == "ticket"]
        identifiers = [parts[1] for parts in named if parts[0] == "order"]
        return queries.present_pdfs(session, issues, identifiers)

    def load(self, place: str) -> bytes:
        """The file itself."""
        try:
            return stored.storage().get(place)
        except UnknownKey:
            raise Refused("The attached file is being made again", is_final=False) from None


def _invitation(order: OrderState, summary: OrderView) -> Attachment:
    uid = f"{order.identifier}@{pages.desk().host}"
    said_at = from_stamp(order.completed_at) or summary.ordered_at
    return Attachment("event.ics", CALENDAR, data=_calendar(summary.event, uid, said_at))


@lru_cache(maxsize=32)  # one order's mails carry the same file
def _calendar(event: EventView, uid: str, stamped_at: datetime) -> bytes:
    return calendar.invitation(event, uid, pages.desk().public_url, stamped_at=stamped_at)


def _mail(
    kind: str,
    recipient: str,
    about: str,
    letter: Letter,
    attachments: Sequence[Attachment],
    version: int = 1,
) -> Mail:
    return Mail(kind, recipient, about, letter.subject, letter.text, letter.html, tuple(attachments), version)
