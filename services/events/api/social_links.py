"""Pages of events elsewhere."""

from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.models import SocialLink

social_links = of_event("social-link", SocialLink)

create_social_link, get_social_link = social_links.create, social_links.fetch
update_social_link, delete_social_link = social_links.update, social_links.delete
list_social_links_of_event = events.fetch_related("social-links")
get_event_of_social_link = social_links.fetch_related("event")
