"""Tracks: themes that run through the schedule."""

from services.events import queries
from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.domain.colors import readable_on
from services.events.models import Track

tracks = of_event(
    "track",
    Track,
    check="track-organizer",
    computed={"font-color": lambda track: readable_on(track.color)},
    sort="position,id",
)

list_tracks = tracks.listing(queries.of_listed_events(Track))
create_track, get_track = tracks.create, tracks.fetch
update_track, delete_track = tracks.update, tracks.delete
list_tracks_of_event = events.fetch_related("tracks")
list_sessions_of_track = tracks.fetch_related("sessions")
get_event_of_track = tracks.fetch_related("event")
