"""Money and orders (RULES 17–20): who may charge when, what a capture does, and what becomes of money without an order.

A charge is three steps: `begin` marks the order and commits; the call to payments, outside of any transaction; then
`receive`, which the message PaymentCaptured calls as well. Whoever comes first completes the order, the other finds it done.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from chassis.errors import Conflict, Unprocessable
from chassis.messages import from_stamp
from proto.payments import payments_pb2
from services.orders import config
from services.orders.commands import moving, refunding
from services.orders.domain.lifecycle import ONLINE_MODES, SEATS, UNPAID, Seat, Status
from services.orders.domain.stock import AccessCodeExhausted, DiscountExhausted, SoldOut
from services.orders.models import Event, Order, OrderLine
from services.orders.queries import orders as queries

CHARGING = timedelta(minutes=2)
ANSWERING = timedelta(seconds=5)  # what a request needs before and after its call to payments


class NotPayable(Conflict):
    code = "order-not-payable"


class ChargeInProgress(Conflict):
    code = "charge-in-progress"


class AlreadyPaid(Conflict):
    code = "already-paid"


@dataclass(frozen=True)
class Attempt:
    """A charge that was begun: the mark on the order, and what payments is asked."""

    order_id: int
    identifier: str
    mark: str
    mode: str
    request: payments_pb2.StartPaymentRequest


def in_progress() -> ChargeInProgress:
    """What everybody else hears while an order is being charged."""
    return ChargeInProgress(
        "A payment of this order is under way. Please look again in a moment.", headers={"Retry-After": "2"}
    )


def is_charging(order: Order, now: datetime) -> bool:
    """Whether somebody is charging the order: expiry, cancelling and changes of mode or amount wait."""
    return order.charging_until is not None and order.charging_until > now


def is_called(order: Order, now: datetime) -> bool:
    """Whether the call to payments of an earlier charge may still be under way.

    Its request has taken the mark away by then, or has died: payments, which charges an order once however often it is
    asked, may be asked again, long before the order may expire.
    """
    if order.charging_by is None or order.attempted_at is None or not is_charging(order, now):
        return False
    return now < order.attempted_at + timedelta(seconds=config.current().charge_timeout_seconds) + ANSWERING


def begin(db: Session, order: Order, *, mode: str | None, now: datetime) -> Attempt:
    """Marks a locked order as being charged, for two minutes at most; one attempt at a time.

    Raises NotPayable for an order that is over, costs nothing or whose mode the event does not take, ChargeInProgress
    while another call to payments is under way.
    """
    if Status(order.status) not in UNPAID:
        raise NotPayable(f"An order that is {order.status} cannot be paid.", meta={"status": order.status})
    if order.expires_at is not None and order.expires_at <= now:
        raise NotPayable("The time to pay this order is over.", meta={"status": Status.EXPIRED})
    if order.amount_minor == 0:
        raise NotPayable("There is nothing to pay.", code="nothing-to-pay")
    if is_called(order, now):
        raise in_progress()
    event, chosen = _online(queries.event_of(db, order), mode or order.payment_mode)
    order.payment_mode = chosen
    order.attempted_at = now
    order.charging_until = now + CHARGING
    order.charging_by = uuid.uuid4().hex
    order.version += 1
    db.flush()
    request = payment_request(order, event, queries.lines_of(db, order.id), chosen)
    return Attempt(order.id, order.identifier, order.charging_by, chosen, request)


def payment_request(
    order: Order, event: Event, lines: Sequence[OrderLine], mode: str
) -> payments_pb2.StartPaymentRequest:
    """What payments needs to open an attempt; the addresses to return to are ours, never a client's."""
    page = f"{config.current().frontend_url}/orders/{order.identifier}"
    return payments_pb2.StartPaymentRequest(
        order_identifier=order.identifier,
        event_id=order.event_id,
        mode=mode,
        amount_minor=order.amount_minor,
        currency=order.currency,
        description=f"Tickets for {event.name}",
        return_url=f"{page}/view",
        cancel_url=f"{page}/pending",
        lines=[
            payments_pb2.PaymentLine(name=line.ticket_name, quantity=line.quantity, price_minor=line.price_minor)
            for line in lines
        ],
    )


def let_go(db: Session, identifier: str, mark: str, *, is_decided: bool) -> Order:
    """The call of this mark has ended. `is_decided` False: nobody knows how, so expiry still waits until the mark lapses."""
    order = queries.find(db, identifier, lock=True, with_deleted=True)
    if order.charging_by == mark:
        order.charging_by = None
        if is_decided:
            order.charging_until = None
    return order


def receive(db: Session, payment: payments_pb2.PaymentState, *, now: datetime) -> Order:
    """A capture reaches its order, once: it completes it, or is given back (RULES 20, promise 2)."""
    order = queries.find(db, payment.order_identifier, lock=True, with_deleted=True)
    return settle(db, order, payment, now=now)


def settle(db: Session, order: Order, payment: payments_pb2.PaymentState, *, now: datetime) -> Order:
    """`receive` for an order that is locked already."""
    if order.payment_id == payment.payment_id and order.captured_minor:
        _note_card(order, payment)  # providers may tell it later than the money
        return order
    with db.no_autoflush:  # what has changed in the order is written once, when it is told
        given_back = queries.refund_by_key(db, f"payment:{payment.payment_id}")
    if given_back is not None:
        return order
    reason = _why_not(order, payment)
    if reason is None and not _complete(db, order, payment, now):
        reason = "The order had expired and its seats are sold."
    if reason is not None:
        refunding.give_back(
            db, order, payment.payment_id, payment.amount_minor, payment.currency, reason=reason, now=now
        )
        if order.charging_by is None or Status(order.status) not in UNPAID:
            order.charging_until = None
    return order


def note_failure(db: Session, payment: payments_pb2.PaymentState) -> None:
    """An attempt ended without money: the order stays payable until it expires.

    Who opened this attempt may have died since: then nobody takes away their mark but us. The mark of a later attempt stays.
    """
    order = queries.find(db, payment.order_identifier, lock=True, with_deleted=True)
    opened_at = from_stamp(payment.opened_at)
    is_of_mark = opened_at is not None and order.attempted_at is not None and opened_at >= order.attempted_at
    if order.charging_by is None or is_of_mark:
        order.charging_by = order.charging_until = None


def _online(event: Event | None, mode: str | None) -> tuple[Event, str]:
    pointer = {"pointer": "/data/attributes/payment-mode"}
    if mode is None or mode == "free":
        raise Unprocessable("Choose a payment mode first.", code="payment-mode-required", source=pointer)
    if mode not in ONLINE_MODES:
        raise NotPayable("This order is not paid online.", code="payment-mode-offline", source=pointer)
    if event is None or mode not in event.payment_modes:
        raise NotPayable(f"This event does not take {mode}.", code="payment-mode-disabled", source=pointer)
    return event, mode


def _why_not(order: Order, payment: payments_pb2.PaymentState) -> str | None:
    if order.deleted_at is not None or order.status == Status.CANCELLED:
        return "The order had been cancelled."
    if order.status == Status.COMPLETED:
        return "The order had been paid already."
    if payment.amount_minor != order.amount_minor or payment.currency.upper() != order.currency.upper():
        return "The amount is not that of the order."
    return None


def _note_card(order: Order, payment: payments_pb2.PaymentState) -> None:
    """What a receipt shows of the card, as soon as it is known."""
    for name in ("brand", "last4", "exp_month", "exp_year"):
        setattr(order, name, getattr(payment.card, name) or getattr(order, name))


def _complete(db: Session, order: Order, payment: payments_pb2.PaymentState, now: datetime) -> bool:
    """Whether the order could be completed: an expired one needs its seats (and code uses) back."""
    if SEATS[Status(order.status)] is Seat.HELD:
        _pay(db, order, payment, now)
        return True
    try:
        with db.begin_nested():
            _pay(db, order, payment, now)
    except (SoldOut, DiscountExhausted, AccessCodeExhausted):
        db.refresh(order)
        return False
    return True


def _pay(db: Session, order: Order, payment: payments_pb2.PaymentState, now: datetime) -> None:
    order.payment_id = payment.payment_id
    order.payment_mode = order.paid_via = payment.mode or order.payment_mode
    order.captured_minor = payment.amount_minor
    order.refunded_minor, order.refund_status = 0, "none"  # an earlier payment's, of an order that was revived
    order.transaction_id = payment.transaction_id or payment.provider_reference or None
    _note_card(order, payment)
    moving.enter(db, order, Status.COMPLETED, now=now)
