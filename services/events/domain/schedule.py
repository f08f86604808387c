"""When and where sessions may happen."""

from dataclasses import dataclass
from datetime import datetime

from chassis.errors import Unprocessable

TAKING = frozenset({"pending", "accepted", "confirmed"})


@dataclass(frozen=True)
class Slot:
    """A time and a room, and whether the session in it will happen."""

    starts_at: datetime | None
    ends_at: datetime | None
    room_id: int | None
    state: str

    @property
    def takes_room(self) -> bool:
        """Whether nobody else can have the room at that time."""
        return self.starts_at is not None and self.room_id is not None and self.state in TAKING


def check_times(slot: Slot, event_starts_at: datetime, event_ends_at: datetime) -> None:
    """Raises Unprocessable (422) for half a time, an end before the start, or a time outside of the event."""
    if slot.starts_at is None and slot.ends_at is None:
        return
    if slot.starts_at is None or slot.ends_at is None:
        raise _refused("A session needs both a start and an end, or neither.")
    if slot.starts_at >= slot.ends_at:
        raise _refused("A session has to start before it ends.")
    if slot.starts_at < event_starts_at or slot.ends_at > event_ends_at:
        raise _refused("A session happens during its event.")


def _refused(sentence: str) -> Unprocessable:
    return Unprocessable(sentence, code="session-times-invalid", source={"pointer": "/data/attributes/starts-at"})
