"""Kinds of sessions."""

from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.models import SessionType

session_types = of_event("session-type", SessionType)

create_session_type, get_session_type = session_types.create, session_types.fetch
update_session_type, delete_session_type = session_types.update, session_types.delete
list_session_types_of_event = events.fetch_related("session-types")
get_event_of_session_type = session_types.fetch_related("event")
list_sessions_of_session_type = session_types.fetch_related("sessions")
