"""Words that group ticket types."""

from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.models import Ticket, TicketTag

ticket_tags = of_event("ticket-tag", TicketTag, same_event={"tickets": Ticket})

create_ticket_tag, get_ticket_tag = ticket_tags.create, ticket_tags.fetch
update_ticket_tag, delete_ticket_tag = ticket_tags.update, ticket_tags.delete
list_ticket_tags_of_event = events.fetch_related("ticket-tags")
get_event_of_ticket_tag = ticket_tags.fetch_related("event")
list_tickets_of_ticket_tag = ticket_tags.fetch_related("tickets")
