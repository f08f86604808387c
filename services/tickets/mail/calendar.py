"""The event as an `.ics` file, so that a calendar takes it over with its zone."""

from datetime import datetime, timedelta

from icalendar import Calendar, Event

from services.tickets.domain import moments, plain
from services.tickets.rendering.views import EventView

A_YEAR = timedelta(days=366)  # of the zone's clock changes around the day is enough
USUAL_LENGTH = timedelta(hours=1)  # for an event that does not say when it ends


def invitation(event: EventView, uid: str, url: str, *, stamped_at: datetime) -> bytes:
    """`uid` stays the same for the same event and order, so that a calendar replaces the entry instead of adding one."""
    zone = moments.zone_of(event.timezone)
    entry = Event()
    entry.add("uid", uid)
    entry.add("dtstamp", stamped_at)
    entry.add("dtstart", event.starts_at.astimezone(zone))
    entry.add("dtend", (event.ends_at or event.starts_at + USUAL_LENGTH).astimezone(zone))
    entry.add("summary", plain.one_line(event.name))
    if place := plain.one_line(event.place):
        entry.add("location", place)
    if message := plain.from_html(event.message):
        entry.add("description", message)
    if url:
        entry.add("url", url)
    calendar = Calendar()
    calendar.add("prodid", "-//Stagedoor//Tickets//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    day = event.starts_at.date()
    calendar.add_missing_timezones(first_date=day - A_YEAR, last_date=day + A_YEAR)
    return bytes(calendar.to_ical())
