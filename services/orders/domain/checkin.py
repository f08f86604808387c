"""What a PATCH of an attendee means at the door (RULES 26): only times that are new count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chassis.errors import Unprocessable

MAX_TIMES = 100
FIRST_YEAR, LAST_YEAR = 1900, 9000  # as of events
LONGEST_DOOR = 200


@dataclass(frozen=True)
class Known:
    """The times that we know already, comma separated as clients write them."""

    checkin_times: str | None
    checkout_times: str | None


@dataclass(frozen=True)
class Entry:
    """New times at the door. `door` is the device, as the app calls it."""

    checkins: tuple[datetime, ...]
    checkouts: tuple[datetime, ...]
    door: str


class CheckinInvalid(Unprocessable):
    code = "checkin-invalid"


def read_entry(values: Mapping[str, Any], known: Known, now: datetime) -> Entry | None:
    """What is new in this PATCH; None when nothing is. Raises CheckinInvalid (422) for what does not fit together."""
    checkins = _new(values, "checkin_times", known.checkin_times)
    checkouts = _new(values, "checkout_times", known.checkout_times)
    if values.get("is_checked_in") and not (values.get("checkin_times") or known.checkin_times):
        raise CheckinInvalid(
            "Checking in needs the time: checkin-times.", source={"pointer": "/data/attributes/checkin-times"}
        )
    if values.get("is_checked_out") and not checkouts and not known.checkout_times:
        checkouts = (now,)
    devices = [each.strip() for each in str(values.get("device_name_checkin") or "").split(",")]
    if devices != [""] and not (checkins or known.checkin_times):
        raise CheckinInvalid(
            "A device without a time says nothing.", source={"pointer": "/data/attributes/device-name-checkin"}
        )
    if len(devices[-1]) > LONGEST_DOOR:
        raise CheckinInvalid(
            f"A device has a name of at most {LONGEST_DOOR} characters.",
            source={"pointer": "/data/attributes/device-name-checkin"},
        )
    if not checkins and not checkouts:
        return None
    return Entry(checkins, checkouts, devices[-1] or "-")


def parse_times(text: str | None, pointer: str) -> list[datetime]:
    """Comma-separated ISO times, in UTC. Raises CheckinInvalid."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    times = []
    for part in parts:
        try:
            at = datetime.fromisoformat(part)
            times.append(at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            raise CheckinInvalid(
                f"“{part[:40]}” is not a time such as 2026-11-24T10:00:00Z.", source={"pointer": pointer}
            ) from None
    return times


def _new(values: Mapping[str, Any], name: str, known: str | None) -> tuple[datetime, ...]:
    pointer = f"/data/attributes/{name.replace('_', '-')}"
    before = {_second(at) for at in parse_times(known, pointer)}
    new = tuple(at for at in parse_times(values.get(name), pointer) if _second(at) not in before)
    if len(new) > MAX_TIMES:
        raise CheckinInvalid(f"At most {MAX_TIMES} times are told at once.", source={"pointer": pointer})
    if any(not FIRST_YEAR <= at.year <= LAST_YEAR for at in new):
        raise CheckinInvalid(f"No door was open before {FIRST_YEAR} or after {LAST_YEAR}.", source={"pointer": pointer})
    return new


def _second(at: datetime) -> datetime:
    """Clients and we write fractions of a second differently."""
    return at.replace(microsecond=0)


def joined(times: Sequence[datetime]) -> str | None:
    """Times as clients read them."""
    return ",".join(at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for at in times) or None
