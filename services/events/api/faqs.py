"""Questions that are asked often."""

from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.models import Faq, FaqType

faqs = of_event("faq", Faq, same_event={"faq_type": FaqType})

create_faq, get_faq = faqs.create, faqs.fetch
update_faq, delete_faq = faqs.update, faqs.delete
list_faqs_of_event = events.fetch_related("faqs")
get_event_of_faq = faqs.fetch_related("event")
get_faq_type_of_faq = faqs.fetch_related("faq-type")
