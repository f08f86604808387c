"""Types of events; server admins write them."""

from chassis.jsonapi import Resource
from services.events.api.events import events
from services.events.api.of_event import SPEC
from services.events.api.slugs import slugged
from services.events.models import EventType

event_types = Resource("event-type", EventType, spec=SPEC, sort="name", **slugged(EventType))

list_event_types, get_event_type = event_types.fetch_page, event_types.fetch
create_event_type, update_event_type, delete_event_type = event_types.create, event_types.update, event_types.delete
list_events_of_event_type = event_types.fetch_related("events")
get_event_type_of_event = events.fetch_related("event-type")
