"""What we tell others about an order: always its full state, so that no reader has to ask or to wait for a replica."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.orm import Session

from chassis.messages import to_stamp
from chassis.outbox import publish
from proto.orders import orders_pb2
from services.orders.models import Attendee, Order, OrderLine, User
from services.orders.queries import orders as queries

_HOW_TO_PAY = {
    "bank": "bank_details",
    "cheque": "cheque_details",
    "onsite": "onsite_details",
    "invoice": "invoice_details",
}


def order_state(db: Session, order: Order) -> orders_pb2.OrderState:
    """The order as it stands in this transaction."""
    db.flush()
    event, buyer = queries.event_and_buyer(db, order)
    attendees = queries.attendees_of(db, order.id)
    lines = queries.lines_of(db, order.id)
    return state_of(
        order,
        event=event_facts(event, order.payment_mode) if event is not None else None,
        buyer_email=order.buyer_email or (buyer.email if buyer else ""),
        buyer_name=_buyer_name(buyer, attendees, order.buyer_email),
        locale=order.locale or (buyer.locale if buyer else ""),
        completed_at=to_stamp(order.completed_at),
        invoice_number=order.invoice_number or "",
        billing=billing_of(order),
        attendees=[attendee_state(each, lines) for each in attendees],
        lines=[line_state(each, each.ticket_name) for each in lines],
    )


def state_of(order: Any, **rest: Any) -> orders_pb2.OrderState:
    """What is known of an order from its first moment (it need not be a row yet), and the `rest` of its state."""
    return orders_pb2.OrderState(
        id=order.id,
        identifier=order.identifier,
        version=order.version,
        status=order.status,
        event_id=order.event_id,
        buyer_id=order.user_id,
        amount_minor=order.amount_minor,
        currency=order.currency,
        payment_mode=order.payment_mode or "",
        discount_minor=order.discount_minor,
        tax_minor=order.tax_minor,
        tax_name=order.tax_name,
        tax_rate=order.tax_rate,
        tax_included=order.is_tax_included,
        created_at=to_stamp(order.created_at),
        **rest,
    )


def event_facts(event: Any, payment_mode: str | None) -> orders_pb2.EventFacts:
    """The event as readers of an order need it, of our replica or of an offer (which name things alike)."""
    return orders_pb2.EventFacts(
        id=event.id,
        identifier=event.identifier,
        name=event.name,
        starts_at=_as_stamp(event.starts_at),
        ends_at=_as_stamp(event.ends_at),
        timezone=event.timezone,
        location_name=event.location_name,
        online=event.online,
        after_order_message=event.after_order_message,
        owner_name=event.owner_name,
        payment_details=getattr(event, _HOW_TO_PAY[payment_mode]) if payment_mode in _HOW_TO_PAY else "",
    )


def billing_of(order: Order) -> orders_pb2.Billing:
    """The billing data of an order, empty where none was given."""
    return orders_pb2.Billing(
        company=order.company or "",
        tax_info=order.tax_business_info or "",
        address=order.address or "",
        city=order.city or "",
        state=order.state or "",
        zipcode=order.zipcode or "",
        country=order.country or "",
    )


def attendee_state(attendee: Attendee, lines: Sequence[OrderLine]) -> orders_pb2.Attendee:
    """An attendee with everything a ticket shows."""
    names = {line.ticket_id: line.ticket_name for line in lines}
    return orders_pb2.Attendee(
        id=attendee.id,
        identifier=attendee.identifier,
        ticket_id=attendee.ticket_id,
        ticket_name=names.get(attendee.ticket_id, ""),
        first_name=attendee.firstname or "",
        last_name=attendee.lastname or "",
        email=attendee.email or "",
        price_minor=attendee.price_minor,
        user_id=attendee.user_id or 0,
    )


def line_state(line: Any, ticket_name: str) -> orders_pb2.OrderLine:
    """A priced line, of an order or of a quote."""
    return orders_pb2.OrderLine(
        ticket_id=line.ticket_id,
        ticket_name=ticket_name,
        quantity=line.quantity,
        price_minor=line.price_minor,
        total_minor=line.total_minor,
        discount_minor=line.discount_minor,
    )


def say_paid(db: Session, order: Order) -> None:
    """The order entered `completed`."""
    publish(db, orders_pb2.OrderPaid(order=order_state(db, order)), key=order.identifier)


def say_placed(db: Session, order: Order) -> None:
    """The buyer will pay by other means, and reads how."""
    publish(db, orders_pb2.OrderPlaced(order=order_state(db, order)), key=order.identifier)


def say_cancelled(db: Session, order: Order, *, was_paid: bool, deleted: bool = False) -> None:
    """The order is over; its tickets are void."""
    state = order_state(db, order)
    message = orders_pb2.OrderCancelled(order=state, note=order.cancel_note or "", was_paid=was_paid, deleted=deleted)
    publish(db, message, key=order.identifier)


def say_expired(db: Session, order: Order) -> None:
    """Nobody paid in time."""
    publish(db, orders_pb2.OrderExpired(order=order_state(db, order)), key=order.identifier)


def say_unsettled(db: Session, order: Order) -> None:
    """The order was completed or placed, and is neither any more."""
    publish(db, orders_pb2.OrderUnsettled(order=order_state(db, order)), key=order.identifier)


def say_released(db: Session, order: Order, attendee_ids: Iterable[int]) -> None:
    """These attendees do not come any more."""
    released = sorted(attendee_ids)
    state = order_state(db, order)
    coming = [each for each in state.attendees if each.id not in released]
    del state.attendees[:]
    state.attendees.extend(coming)
    message = orders_pb2.AttendeesReleased(
        order_identifier=order.identifier, attendee_ids=released, version=order.version, order=state
    )
    publish(db, message, key=order.identifier)


def say_attendee_changed(db: Session, order: Order, attendee: Attendee, *, is_erased: bool = False) -> None:
    """A holder's name or address changed after the tickets were issued, or was forgotten."""
    state = attendee_state(attendee, queries.lines_of(db, order.id))
    message = orders_pb2.AttendeeChanged(
        order_identifier=order.identifier, version=order.version, attendee=state, erased=is_erased
    )
    publish(db, message, key=order.identifier)


def say_refund_requested(db: Session, order: Order, refund: Mapping[str, Any]) -> None:
    """Payments has to give money back."""
    message = orders_pb2.RefundRequested(order_identifier=order.identifier, **refund)
    publish(db, message, key=order.identifier)


def _as_stamp(at: datetime | Timestamp | None) -> Timestamp | None:
    return to_stamp(at) if at is None or isinstance(at, datetime) else at


def _buyer_name(buyer: User | None, attendees: Sequence[Attendee], email: str) -> str:
    if buyer is not None and (name := f"{buyer.first_name} {buyer.last_name}".strip() or buyer.public_name):
        return name
    same = [each for each in attendees if each.email and each.email.lower() == email.lower()]
    return f"{same[0].firstname or ''} {same[0].lastname or ''}".strip() if same else ""
