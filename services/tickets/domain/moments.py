"""When an event takes place, as people read it: in the event's own zone and the reader's language."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name

DEFAULT_LOCALE = "en"


@dataclass(frozen=True)
class Span:
    """`date` and `hours` are two lines for one day, or one line each for start and end when it lasts longer."""

    date: str
    hours: str
    zone: str

    def __str__(self) -> str:
        joint = " " if self.date.endswith("–") else ", "
        return f"{self.date}{joint}{self.hours} ({self.zone})"


@lru_cache(maxsize=256)
def locale_of(tag: str) -> Locale:
    """The locale that a client or a browser named; English when nobody knows it."""
    try:
        return Locale.parse(tag.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(DEFAULT_LOCALE)


def zone_of(name: str) -> ZoneInfo:
    """The event's zone; UTC when its name is unknown here, so that the zone shown beside the time stays true."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


@lru_cache(maxsize=1024)
def span(starts_at: datetime, ends_at: datetime | None, timezone: str, locale: str = DEFAULT_LOCALE) -> Span:
    """The event's days and hours. One day has one date; an event over several days names both.

    So does one over a change of clocks with its zone: whoever attends from elsewhere reckons with the offset.
    """
    zone, reader = zone_of(timezone), locale_of(locale)
    starts = starts_at.astimezone(zone)
    ends = ends_at.astimezone(zone) if ends_at else None
    first, opens = _date(starts, reader), _time(starts, reader)
    if ends is None:
        return Span(first, opens, zone_name(starts, reader))
    zones = " – ".join(dict.fromkeys((zone_name(starts, reader), zone_name(ends, reader))))
    if ends.date() == starts.date():
        return Span(first, f"{opens} – {_time(ends, reader)}", zones)
    return Span(f"{first}, {opens} –", f"{_date(ends, reader)}, {_time(ends, reader)}", zones)


@lru_cache(maxsize=1024)
def day_and_time(moment: datetime, timezone: str, locale: str = DEFAULT_LOCALE) -> str:
    zone, reader = zone_of(timezone), locale_of(locale)
    local = moment.astimezone(zone)
    return f"{format_date(local, 'medium', locale=reader)}, {_time(local, reader)}"


@lru_cache(maxsize=1024)
def day(moment: datetime, timezone: str, locale: str = DEFAULT_LOCALE) -> str:
    """A date, in the event's zone."""
    return str(format_date(moment.astimezone(zone_of(timezone)), "long", locale=locale_of(locale)))


def zone_name(local: datetime, reader: Locale) -> str:
    """`Central European Standard Time, UTC+01:00`; the offset stands there because few people know the names."""
    offset = local.strftime("%z")
    utc = "UTC" if local.utcoffset() == UTC.utcoffset(None) else f"UTC{offset[:3]}:{offset[3:5]}"
    name = str(get_timezone_name(local, width="long", locale=reader))
    return utc if name.startswith(("GMT", "UTC")) or local.tzname() == "UTC" else f"{name}, {utc}"


def _date(local: datetime, reader: Locale) -> str:
    return str(format_date(local, "full", locale=reader))


def _time(local: datetime, reader: Locale) -> str:
    return str(format_time(local, "short", locale=reader)).replace("\u202f", "\u00a0")
