"""When an event may be seen by everybody."""

from datetime import datetime, timedelta
from zoneinfo import available_timezones

from chassis.errors import Conflict, Forbidden, Unprocessable

LONGEST = timedelta(days=20)
ZONES = available_timezones()
YEARS = range(1900, 9000)


class UnverifiedUser(Forbidden):
    code = "unverified-user"


def check_person(is_verified: bool, deed: str) -> None:
    """Raises UnverifiedUser (403) for someone who has not confirmed their address."""
    if not is_verified:
        raise UnverifiedUser(
            f"Please confirm your e-mail address before you {deed} an event.", source={"code": "unverified-user"}
        )


def check_zone(timezone: str) -> None:
    """Raises Unprocessable (422) for a zone that nobody knows."""
    if timezone not in ZONES:
        raise Unprocessable(
            f"“{timezone}” is not a time zone; write for example Europe/Berlin.",
            code="timezone-invalid",
            source={"pointer": "/data/attributes/timezone"},
        )


def check_years(*moments: datetime | None) -> None:
    """Raises Unprocessable (422) for a time around which calendars and zones have no room left."""
    if any(moment is not None and moment.year not in YEARS for moment in moments):
        raise _impossible(f"An event takes place between the years {YEARS.start} and {YEARS.stop}.")


def check_published(name: str, starts_at: datetime, ends_at: datetime) -> None:
    """Raises Conflict (409) without a name, Unprocessable (422) for impossible times."""
    if not name.strip():
        raise Conflict(
            "An event needs a name before it is published.",
            code="event-name-missing",
            source={"pointer": "/data/attributes/name"},
        )
    if starts_at >= ends_at:
        raise _impossible("The event has to start before it ends.")
    if ends_at - starts_at > LONGEST:
        raise _impossible(f"An event lasts {LONGEST.days} days at most.")


def _impossible(sentence: str) -> Unprocessable:
    return Unprocessable(sentence, code="dates-invalid", source={"pointer": "/data/attributes/ends-at"})
