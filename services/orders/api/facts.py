"""What a change of an order has to know of its event, asked of events outside of any transaction."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from chassis.auth import Claims
from proto.events import events_pb2
from services.orders import clients
from services.orders.commands.changing import Facts
from services.orders.domain import forms
from services.orders.models import Order
from services.orders.queries import orders as queries


@dataclass(frozen=True)
class Asked:
    """What events is asked about an order: its event and how many of which tickets."""

    event_id: int
    quantities: Mapping[int, int]


def asked_of(db: Session, order: Order) -> Asked:
    """What has to be asked about this order."""
    quantities: dict[int, int] = {}
    for line in queries.lines_of(db, order.id):
        quantities[line.ticket_id] = quantities.get(line.ticket_id, 0) + line.quantity
    return Asked(order.event_id, quantities)


def facts_of(asked: Asked, claims: Claims) -> Facts:
    """What events says of the order's event, now."""
    return facts_from(clients.get_offer(asked.quantities, claims, event_key=str(asked.event_id), facts_only=True))


def facts_from(offer: events_pb2.Offer) -> Facts:
    """The part of an offer that conditions look at."""
    return Facts(
        frozenset(offer.payment_modes),
        [
            forms.Field(each.identifier, each.name, each.is_required, each.is_complex, each.form_id)
            for each in offer.attendee_form
        ],
        offer.event.is_ticket_form_enabled,
        offer.event.is_billing_info_mandatory,
    )
