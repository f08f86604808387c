"""Check-in by PATCH: the tickets service is its one writer, we keep what it answers."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis.errors import Unprocessable
from chassis.messages import to_stamp
from proto.tickets import tickets_pb2
from services.orders.commands import issuing
from services.orders.domain.checkin import Entry
from services.orders.models import Attendee, Tag

ELSEWHERE = "-"  # the device that clients show where none was named
AT_THE_DOOR = ("attendee_notes", "is_badge_printed", "badge_printed_at")


def scan_request(attendee_id: int, entry: Entry, scanned_by: int) -> tickets_pb2.ScanRequest:
    """What tickets is asked."""
    return tickets_pb2.ScanRequest(
        attendee_id=attendee_id,
        checkin_times=[to_stamp(at) for at in entry.checkins],
        checkout_times=[to_stamp(at) for at in entry.checkouts],
        door=entry.door,
        scanned_by=scanned_by,
    )


def apply(
    db: Session,
    attendee: Attendee,
    values: Mapping[str, Any],
    related: Mapping[str, Any],
    entered: tickets_pb2.ScanReply | None,
    *,
    entries: int,
    door: str,
) -> None:
    """Check-in fields of a locked attendee, as those at the door may change them; the last `entries` were through `door`."""
    for name in AT_THE_DOOR:
        if name in values:
            setattr(attendee, name, values[name])
    if "tag_id" in values or "tag" in related:
        set_tag(db, attendee, related.get("tag", values.get("tag_id")))
    if entered is None:
        return
    issuing.note_times(attendee, entered.checkin_times, entered.checkout_times)
    devices = attendee.device_name_checkin.split(",") if attendee.device_name_checkin else []
    missing = len(entered.checkin_times) - len(devices)
    unseen = [ELSEWHERE] * (missing - entries)
    attendee.device_name_checkin = ",".join([*devices, *unseen, *[door] * min(entries, missing)]) or None


def set_tag(db: Session, attendee: Attendee, tag_id: int | None) -> None:
    """Puts a tag of the event on the attendee, or takes it off. Raises Unprocessable for another event's tag."""
    if tag_id is not None:
        statement = select(Tag.id).where(Tag.id == tag_id, Tag.event_id == attendee.event_id, Tag.deleted_at.is_(None))
        if db.execute(statement).scalar() is None:
            raise Unprocessable(
                "There is no such tag in this event.", code="tag-unknown", source={"pointer": "/data/attributes/tag-id"}
            )
    attendee.tag_id = tag_id
