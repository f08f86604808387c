"""Booths."""

from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.models import EventSession, Exhibitor

exhibitors = of_event("exhibitor", Exhibitor, same_event={"sessions": EventSession})

create_exhibitor, get_exhibitor = exhibitors.create, exhibitors.fetch
update_exhibitor, delete_exhibitor = exhibitors.update, exhibitors.delete
list_exhibitors_of_event = events.fetch_related("exhibitors")
get_event_of_exhibitor = exhibitors.fetch_related("event")
list_sessions_of_exhibitor = exhibitors.fetch_related("sessions")
