"""What we do when others speak, one function per message."""

from sqlalchemy.orm import Session

from chassis import clock
from chassis.inbox import consumes
from proto.accounts import accounts_pb2
from proto.events import events_pb2
from proto.payments import payments_pb2
from proto.tickets import tickets_pb2
from services.orders.commands import issuing, paying, refunding, replicas


@consumes(payments_pb2.PaymentCaptured)
def complete_paid_order(db: Session, message: payments_pb2.PaymentCaptured) -> None:
    """Money arrived, from a charge, a webhook or reconciliation: the same path for all."""
    paying.receive(db, message.payment, now=clock.now())


@consumes(payments_pb2.PaymentFailed)
def release_charge(db: Session, message: payments_pb2.PaymentFailed) -> None:
    """The attempt ended without money; the order waits for the next one."""
    paying.note_failure(db, message.payment)


@consumes(payments_pb2.PaymentRefunded)
def settle_refund(db: Session, message: payments_pb2.PaymentRefunded) -> None:
    """Money went back, or finally could not."""
    refunding.settle(db, message, now=clock.now())


@consumes(tickets_pb2.TicketsIssued)
def link_pdfs(db: Session, message: tickets_pb2.TicketsIssued) -> None:
    """The PDFs exist."""
    issuing.link_pdfs(db, message)


@consumes(tickets_pb2.TicketScanned)
def note_scan(db: Session, message: tickets_pb2.TicketScanned) -> None:
    """Somebody walked in or out."""
    issuing.note_scan(db, message)


@consumes(events_pb2.EventChanged)
def store_event(db: Session, message: events_pb2.EventChanged) -> None:
    """An event as it is now."""
    replicas.store_event(db, message.event)


@consumes(events_pb2.TicketChanged)
def store_ticket(db: Session, message: events_pb2.TicketChanged) -> None:
    """A ticket type as it is now, and its capacity: how loosening reaches the ledger."""
    replicas.store_ticket_and_capacity(db, message.ticket)


@consumes(events_pb2.DiscountCodeChanged)
def store_code(db: Session, message: events_pb2.DiscountCodeChanged) -> None:
    """A code as it is now, and its limit."""
    replicas.store_code(db, message.discount_code)


@consumes(events_pb2.EventRoleChanged)
def store_event_role(db: Session, message: events_pb2.EventRoleChanged) -> None:
    """Somebody's roles in an event, all of them."""
    replicas.store_event_role(db, message.event_role)


@consumes(accounts_pb2.UserChanged)
def store_user(db: Session, message: accounts_pb2.UserChanged) -> None:
    """A user as they are now."""
    replicas.store_user(db, message.user)
