"""Chapters of questions."""

from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.models import FaqType

faq_types = of_event("faq-type", FaqType)

create_faq_type, get_faq_type = faq_types.create, faq_types.fetch
update_faq_type, delete_faq_type = faq_types.update, faq_types.delete
list_faq_types_of_event = events.fetch_related("faq-types")
get_event_of_faq_type = faq_types.fetch_related("event")
list_faqs_of_faq_type = faq_types.fetch_related("faqs")
