"""What tickets does when others speak, one function per message. No effect depends on the order of messages."""

from sqlalchemy.orm import Session

from chassis import clock
from chassis.db import on_commit
from chassis.inbox import consumes
from proto.accounts.accounts_pb2 import UserChanged
from proto.events.events_pb2 import EventChanged, EventRoleChanged
from proto.orders.orders_pb2 import (
    AttendeeChanged,
    AttendeesReleased,
    OrderCancelled,
    OrderExpired,
    OrderPaid,
    OrderPlaced,
    OrderState,
    TicketsResendRequested,
)
from services.tickets import commands, erasing, mails, queries, start


@consumes(OrderPaid)
def issue_tickets(db: Session, message: OrderPaid) -> None:
    """A completed order leads to one ticket per attendee; the renderers do the rest."""
    if commands.issue(db, erasing.leave_out_erased(db, message.order), now=clock.now()):
        on_commit(db, start.wake_renderers)


@consumes(OrderPlaced)
def tell_how_to_pay(db: Session, message: OrderPlaced) -> None:
    """An offline order: one mail with payment instructions, no ticket. Not if we know that it was paid or cancelled."""
    order = erasing.leave_out_erased(db, message.order)
    if commands.remember(db, order, "placed", now=clock.now()):
        mails.promise_placed(db, order)


@consumes(OrderCancelled)
def void_cancelled(db: Session, message: OrderCancelled) -> None:
    """Nobody gets in any more; whoever expected to is told, with the note."""
    order = erasing.leave_out_erased(db, message.order)
    commands.void_order(db, order, "cancelled", now=clock.now())
    if message.was_paid or message.deleted or message.note:
        mails.promise_cancelled(db, order, message.note, was_paid=message.was_paid)


@consumes(OrderExpired)
def void_expired(db: Session, message: OrderExpired) -> None:
    """An unpaid order has no tickets; if its payment comes late after all, a newer OrderPaid says so."""
    commands.void_order(db, erasing.leave_out_erased(db, message.order), "expired", now=clock.now())


@consumes(AttendeesReleased)
def void_released(db: Session, message: AttendeesReleased) -> None:
    """A partial refund: these attendees no longer come."""
    commands.release(db, message.order_identifier, message.attendee_ids, message.version, now=clock.now())
    on_commit(db, start.wake_renderers)


@consumes(AttendeeChanged)
def change_holder(db: Session, message: AttendeeChanged) -> None:
    """A new name or address."""
    attendee = erasing.leave_out_erased_holder(db, message.attendee)
    commands.change_holder(
        db, message.order_identifier, attendee, message.version, now=clock.now(), is_erased=message.erased
    )
    on_commit(db, start.wake_renderers)


@consumes(TicketsResendRequested)
def send_again(db: Session, message: TicketsResendRequested) -> None:
    """All mails of a completed order, or the payment instructions of a placed one, once more: once per wish."""
    order = queries.order_of(db, message.order_identifier)
    if order is not None and order.status == "paid":
        mails.promise_again(db, order, message.request_key)
    elif order is not None and order.status == "placed":
        mails.promise_placed(db, OrderState.FromString(order.state), again=message.request_key)


@consumes(EventChanged)
def keep_event(db: Session, message: EventChanged) -> None:
    """A moved event shows so on its tickets."""
    if commands.keep_event(db, message.event):
        on_commit(db, start.wake_renderers)


@consumes(EventRoleChanged)
def keep_event_role(db: Session, message: EventRoleChanged) -> None:
    """Who may have an event's tickets and who works at its door."""
    commands.keep_role(db, message.event_role)


@consumes(UserChanged)
def keep_user(db: Session, message: UserChanged) -> None:
    """Where a person is to be found; an erased one is forgotten, and the tombstone beats every version."""
    if erasing.keep_user(db, message.user):
        on_commit(db, start.wake_renderers)
