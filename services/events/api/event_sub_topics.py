"""Sub topics of topics; server admins write them."""

from chassis.jsonapi import Resource
from services.events.api.events import events
from services.events.api.of_event import SPEC
from services.events.api.slugs import slugged
from services.events.models import EventSubTopic

event_sub_topics = Resource("event-sub-topic", EventSubTopic, spec=SPEC, sort="name", **slugged(EventSubTopic))

create_event_sub_topic, get_event_sub_topic = event_sub_topics.create, event_sub_topics.fetch
update_event_sub_topic, delete_event_sub_topic = event_sub_topics.update, event_sub_topics.delete
list_events_of_event_sub_topic = event_sub_topics.fetch_related("events")
get_event_topic_of_event_sub_topic = event_sub_topics.fetch_related("event-topic")
get_custom_placeholder_of_event_sub_topic = event_sub_topics.fetch_related("custom-placeholder")
get_event_sub_topic_of_event = events.fetch_related("event-sub-topic")
