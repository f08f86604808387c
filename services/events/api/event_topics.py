"""Topics of events; server admins write them."""

from chassis.jsonapi import Resource
from services.events.api.events import events
from services.events.api.of_event import SPEC
from services.events.api.slugs import slugged
from services.events.models import EventTopic

event_topics = Resource("event-topic", EventTopic, spec=SPEC, sort="name", **slugged(EventTopic))

list_event_topics, get_event_topic = event_topics.fetch_page, event_topics.fetch
create_event_topic, update_event_topic, delete_event_topic = (
    event_topics.create,
    event_topics.update,
    event_topics.delete,
)
list_events_of_event_topic = event_topics.fetch_related("events")
list_event_sub_topics_of_event_topic = event_topics.fetch_related("event-sub-topics")
get_event_topic_of_event = events.fetch_related("event-topic")
