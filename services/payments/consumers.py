"""What payments does when others speak."""

from sqlalchemy.orm import Session

from chassis import db as database
from chassis.inbox import consumes
from proto.events.events_pb2 import EventRoleChanged
from proto.orders.orders_pb2 import OrderCancelled, OrderExpired, OrderPaid, RefundRequested
from services.payments import errands
from services.payments.commands import attempts, refunds, roles


@consumes(RefundRequested)
def plan_refund(db: Session, message: RefundRequested) -> None:
    """Writes the refund; a worker carries it out at once. No provider is called in this transaction."""
    refunds.request_refunds(db, message)
    database.on_commit(db, errands.wake)


@consumes(OrderPaid)
def close_what_is_open_beside_the_payment(db: Session, message: OrderPaid) -> None:
    """An order that is paid, or was completed by its organizer, needs no open attempt any more."""
    _close(db, message.order.identifier)


@consumes(OrderCancelled)
def close_attempt_of_cancelled_order(db: Session, message: OrderCancelled) -> None:
    """Orders closes before it cancels; this closes what was opened in between."""
    _close(db, message.order.identifier)


@consumes(OrderExpired)
def close_attempt_of_expired_order(db: Session, message: OrderExpired) -> None:
    """As for cancelled ones."""
    _close(db, message.order.identifier)


@consumes(EventRoleChanged)
def replicate_event_role(db: Session, message: EventRoleChanged) -> None:
    """Who runs an event decides who may link its Stripe account."""
    roles.keep_role(db, message.event_role)


def _close(db: Session, order_identifier: str) -> None:
    if attempts.want_closed(db, order_identifier):
        database.on_commit(db, errands.wake)
