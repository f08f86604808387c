"""The licence of what an event publishes."""

from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.models import EventCopyright

event_copyrights = of_event("event-copyright", EventCopyright)

create_event_copyright, get_event_copyright = event_copyrights.create, event_copyrights.fetch
update_event_copyright, delete_event_copyright = event_copyrights.update, event_copyrights.delete
get_event_copyright_of_event = events.fetch_related("event-copyright")
get_event_of_event_copyright = event_copyrights.fetch_related("event")
