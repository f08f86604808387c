"""The event as an `.ics` file, so that a calendar takes it over with its zone."""

from datetime import date, datetime, timedelta
from functools import lru_cache

from icalendar import Event, Timezone

from services.tickets.domain import moments, plain
from services.tickets.rendering.views import EventView

A_YEAR = timedelta(days=366)  # of the zone's clock changes around the day is enough
USUAL_LENGTH = timedelta(hours=1)  # for an event that does not say when it ends


def invitation(event: EventView, uid: str, url: str, *, stamped_at: datetime) -> bytes:
    """`uid` stays the same for the same event and order, so that a calendar replaces the entry instead of adding one.

    It does so only by a higher sequence: the event's version.
    """
    zone = moments.zone_of(event.timezone)
    entry = Event()
    entry.add("uid", uid)
    entry.add("dtstamp", stamped_at)
    entry.add("sequence", event.version)
    entry.add("dtstart", event.starts_at.astimezone(zone))
    entry.add("dtend", (event.ends_at or event.starts_at + USUAL_LENGTH).astimezone(zone))
    entry.add("summary", plain.one_line(event.name))
    if place := plain.one_line(event.place):
        entry.add("location", place)
    if message := plain.from_html(event.message):
        entry.add("description", message)
    if url:
        entry.add("url", url)
    return _HEAD + _zone(event.timezone, event.starts_at.date()) + bytes(entry.to_ical()) + b"END:VCALENDAR\r\n"


_HEAD = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Stagedoor//Tickets//EN\r\nMETHOD:PUBLISH\r\n"


@lru_cache(maxsize=64)  # the clock changes of a zone around a day: the same for all orders of an event
def _zone(name: str, day: date) -> bytes:
    zone = moments.zone_of(name)
    if zone.key == "UTC":
        return b""
    return bytes(Timezone.from_tzinfo(zone, zone.key, day - A_YEAR, day + A_YEAR).to_ical())
