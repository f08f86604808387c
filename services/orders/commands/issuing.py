"""What tickets tells us of attendees: their PDFs, and when they walked in and out."""

from collections.abc import Sequence
from datetime import UTC

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.orm import Session

from proto.tickets import tickets_pb2
from services.orders.models import Attendee
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
        note_times(attendee, message.checkin_times, message.checkout_times)


def note_times(attendee: Attendee, checkins: Sequence[Timestamp], checkouts: Sequence[Timestamp]) -> None:
    """All times of a locked attendee, unless more of them are known: the door forgets none, so their number is its version."""
    version = len(checkins) + len(checkouts)
    if version <= attendee.scan_version:
        return
    attendee.scan_version = version
    attendee.checkin_times, attendee.checkout_times = _text(checkins), _text(checkouts)
    attendee.is_checked_in = bool(checkins)
    attendee.is_checked_out = _has_left(checkins, checkouts)


def _has_left(checkins: Sequence[Timestamp], checkouts: Sequence[Timestamp]) -> bool:
    """Also who was not seen leaving on an earlier day, and who left by a door whose clock is behind."""
    if not checkins or not checkouts:
        return False
    came, left = (max((each.seconds, each.nanos) for each in times) for times in (checkins, checkouts))
    return left >= came or len(checkouts) >= len(checkins)


def _text(times: Sequence[Timestamp]) -> str | None:
    """As clients read them: comma separated; None where there are none."""
    return ",".join(each.ToDatetime(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for each in times) or None
