"""What tickets tells us of attendees: their PDFs, and when they walked in and out."""

from collections.abc import Sequence
from datetime import UTC

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.orm import Session

from proto.tickets import tickets_pb2
from services.orders.queries import orders as queries


def link_pdfs(db: Session, message: tickets_pb2.TicketsIssued) -> None:
    """Puts the links on the attendees and the order; a late message does not overwrite a newer link."""
    order = queries.find(db, message.order_identifier, lock=True, with_deleted=True)
    issued = {ticket.attendee_id: ticket for ticket in message.tickets}
    for attendee in queries.attendees_by_id(db, list(issued), lock=True):
        ticket = issued[attendee.id]
        if attendee.order_id == order.id and ticket.version >= attendee.pdf_version:
            attendee.pdf_url, attendee.pdf_version = ticket.pdf_url, ticket.version
    if message.order_pdf_url:
        order.tickets_pdf_url = message.order_pdf_url


def note_scan(db: Session, message: tickets_pb2.TicketScanned) -> None:
    """All times of an attendee, as the door knows them."""
    for attendee in queries.attendees_by_id(db, [message.attendee_id], lock=True):
        if message.version <= attendee.scan_version:
            continue
        attendee.scan_version = message.version
        attendee.checkin_times = times_text(message.checkin_times)
        attendee.checkout_times = times_text(message.checkout_times)
        attendee.is_checked_in = bool(message.checkin_times)
        attendee.is_checked_out = len(message.checkout_times) >= len(message.checkin_times) > 0


def times_text(times: Sequence[Timestamp]) -> str | None:
    """Times as clients read them: comma separated; None where there are none."""
    return ",".join(each.ToDatetime(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for each in times) or None
