"""What others may ask of tickets."""

from datetime import UTC

from chassis.db import run
from chassis.messages import to_stamp
from proto.tickets.tickets_pb2 import ScanReply, ScanRequest
from services.tickets import commands
from services.tickets.domain.door import Passage


class TicketsServicer:
    """Implements proto/tickets/tickets.proto."""

    def Scan(self, request: ScanRequest) -> ScanReply:  # noqa: N802
        """New times at the door, before the attendee is saved. Refuses a double entry with the first one's time and door."""
        coming = [Passage(at.ToDatetime(tzinfo=UTC), "in", request.door) for at in request.checkin_times]
        going = [Passage(at.ToDatetime(tzinfo=UTC), "out", request.door) for at in request.checkout_times]
        told = [*coming, *going]
        _, passages = run(
            lambda db: commands.scan(db, request.attendee_id, told, request.scanned_by, is_told_again=True)
        )
        return ScanReply(
            checkin_times=[to_stamp(each.at) for each in passages if each.kind == "in"],
            checkout_times=[to_stamp(each.at) for each in passages if each.kind == "out"],
        )
