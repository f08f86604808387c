"""Sponsors of events."""

from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.models import Sponsor

sponsors = of_event("sponsor", Sponsor)

create_sponsor, get_sponsor = sponsors.create, sponsors.fetch
update_sponsor, delete_sponsor = sponsors.update, sponsors.delete
list_sponsors_of_event = events.fetch_related("sponsors")
get_event_of_sponsor = sponsors.fetch_related("event")
