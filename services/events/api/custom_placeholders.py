"""Pictures of events that have none; server admins write them."""

from chassis.jsonapi import Resource
from services.events.api.of_event import SPEC
from services.events.models import CustomPlaceholder

custom_placeholders = Resource(
    "custom-placeholder",
    CustomPlaceholder,
    spec=SPEC,
    computed={
        name: lambda row: row.original_image_url
        for name in ("large-image-url", "thumbnail-image-url", "icon-image-url")
    },
)

list_custom_placeholders, get_custom_placeholder = custom_placeholders.fetch_page, custom_placeholders.fetch
create_custom_placeholder = custom_placeholders.create
update_custom_placeholder, delete_custom_placeholder = custom_placeholders.update, custom_placeholders.delete
get_event_sub_topic_of_custom_placeholder = custom_placeholders.fetch_related("event-sub-topic")
