"""Rooms."""

from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.models import Microlocation

microlocations = of_event("microlocation", Microlocation, computed={"chat-room-name": lambda _: None})

create_microlocation, get_microlocation = microlocations.create, microlocations.fetch
update_microlocation, delete_microlocation = microlocations.update, microlocations.delete
list_microlocations_of_event = events.fetch_related("microlocations")
get_event_of_microlocation = microlocations.fetch_related("event")
list_sessions_of_microlocation = microlocations.fetch_related("sessions")
get_video_stream_of_microlocation = microlocations.fetch_related("video-stream")
