"""Decisions to give money back. Payments moves the money, once per `refund_key`; offline money is owed by the organizer."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from chassis.errors import Conflict, NotFound, Unprocessable
from proto.payments import payments_pb2
from services.orders.commands import telling
from services.orders.domain.lifecycle import OFFLINE_MODES, Seat, Status
from services.orders.models import Order, Refund
from services.orders.queries import ledger
from services.orders.queries import orders as queries

OPEN = frozenset({"requested", "owed"})
DONE = frozenset({"succeeded", "paid"})


class NothingToRefund(Conflict):
    code = "nothing-to-refund"


class RefundTooLarge(Unprocessable):
    code = "refund-too-large"


def refundable_minor(db: Session, order: Order) -> int:
    """What can still be given back: what was captured (or paid offline) without what was already decided."""
    decided = sum(
        max(refund.amount_minor, refund.refunded_minor)
        for refund in _refunds(db, order)
        if refund.status in OPEN | DONE
    )
    return max(0, paid_minor(order) - decided)


def paid_minor(order: Order) -> int:
    """What the order's buyer has paid: by a provider, or offline as the organizer confirmed."""
    if order.captured_minor:
        return order.captured_minor
    was_paid_offline = order.completed_at is not None and order.payment_mode in OFFLINE_MODES
    return order.amount_minor if was_paid_offline else 0


def refund_rest(db: Session, order: Order, *, reason: str, by: int | None, now: datetime) -> None:
    """Gives back all that is left, once: for an order that ends. Does nothing where nothing was paid."""
    rest = refundable_minor(db, order)
    if rest > 0:
        key = f"{order.identifier}:end:{order.version}"
        _decide(db, order, key, rest, asks_for_all=True, reason=reason, by=by, now=now)


def refund_part(
    db: Session, order: Order, amount_minor: int | None, *, key: str, reason: str, by: int, now: datetime
) -> Refund:
    """Gives back an amount, or with None all that is left; seats stay. Raises RefundTooLarge, NothingToRefund."""
    rest = _require_rest(db, order)
    if amount_minor is not None and amount_minor > rest:
        raise RefundTooLarge(
            "That is more than is left of the payment.",
            source={"pointer": "/data/attributes/amount"},
            meta={"refundable_minor": rest},
        )
    if amount_minor == 0:
        raise RefundTooLarge("A refund gives something back.", code="refund-empty", source={"pointer": "/amount"})
    wanted = rest if amount_minor is None else amount_minor
    return _decide(db, order, key, wanted, asks_for_all=amount_minor is None, reason=reason, by=by, now=now)


def refund_attendees(
    db: Session, order: Order, attendee_ids: Sequence[int], *, key: str, reason: str, by: int, now: datetime
) -> Refund | None:
    """These attendees do not come: their seats and code uses return, their tickets are void, what they cost is given back.

    None when they cost nothing. The order keeps its status. Raises NotFound for attendees that are not in the order.
    """
    if order.status != Status.COMPLETED:
        raise NothingToRefund(
            f"An order that is {order.status} has no attendees to refund.", meta={"status": order.status}
        )
    coming = {attendee.id: attendee for attendee in queries.attendees_of(db, order.id)}
    if unknown := [each for each in attendee_ids if each not in coming]:
        raise NotFound("There is no such attendee in this order.", meta={"attendees": [str(each) for each in unknown]})
    wanted = [coming[each] for each in sorted(set(attendee_ids))]
    amount_minor = sum(attendee.price_minor for attendee in wanted)
    refund = None
    if amount_minor:
        amount_minor = min(amount_minor, _require_rest(db, order))
        refund = _decide(db, order, key, amount_minor, asks_for_all=False, reason=reason, by=by, now=now)
        refund.attendee_ids = [attendee.id for attendee in wanted]
    order.version += 1
    telling.say_released(db, order, [attendee.id for attendee in wanted])
    codes = ledger.Codes(order.discount_code_id, order.access_code_id)
    ledger.move(db, order.id, codes, Seat.RELEASED, attendee_ids=[attendee.id for attendee in wanted])
    for attendee in wanted:
        attendee.seat = Seat.RELEASED
        attendee.deleted_at = now
    return refund


def give_back(
    db: Session, order: Order, payment_id: str, amount_minor: int, currency: str, *, reason: str, now: datetime
) -> None:
    """Money that came and was never the order's: late, double or wrong. Given back once per payment."""
    key = f"payment:{payment_id}"
    if queries.refund_by_key(db, key) is not None:
        return
    refund = Refund(
        refund_key=key,
        order_id=order.id,
        kind="provider",
        status="requested",
        payment_id=payment_id,
        amount_minor=amount_minor,
        currency=currency[:3],
        reason=reason,
        is_of_order=False,
        created_at=now,
    )
    db.add(refund)
    db.flush()
    asked = {"refund_key": key, "payment_id": payment_id, "amount_minor": 0, "currency": currency, "reason": reason}
    telling.say_refund_requested(db, order, asked)


def settle(db: Session, message: payments_pb2.PaymentRefunded, *, now: datetime) -> None:
    """Payments says what became of a refund; one that was made at the provider, without us, is noted too."""
    payment = message.payment
    order = queries.find(db, payment.order_identifier, lock=True, with_deleted=True)
    key = message.refund_key or f"provider:{message.refund_id}"
    refund = queries.refund_by_key(db, key)
    if refund is None:
        refund = Refund(
            refund_key=key,
            order_id=order.id,
            kind="provider",
            payment_id=payment.payment_id,
            amount_minor=message.amount_minor,
            currency=payment.currency[:3],
            reason="Made at the provider.",
            is_of_order=order.payment_id == payment.payment_id,
            created_at=now,
        )
        db.add(refund)
    has_succeeded = message.status == "succeeded"
    refund.status = "succeeded" if has_succeeded else "failed"
    refund.message = message.message[:2000]
    refund.done_at = now
    # Nothing also where a bank returned it after it had succeeded.
    refund.refunded_minor = message.amount_minor if has_succeeded else 0
    db.flush()
    note_refunds(db, order)


def mark_paid(db: Session, order: Order, refund: Refund, now: datetime) -> None:
    """The organizer has given offline money back."""
    if refund.kind != "offline":
        raise Conflict("Only an owed refund can be marked as paid.", code="refund-not-owed")
    if refund.status != "owed":
        return
    refund.status, refund.refunded_minor, refund.done_at = "paid", refund.amount_minor, now
    db.flush()
    note_refunds(db, order)


def note_refunds(db: Session, order: Order) -> None:
    """`refund-status` and the refunded amount, from the decisions; of one that failed until a later one has succeeded."""
    refunds = _refunds(db, order)
    given = sum(refund.refunded_minor for refund in refunds)
    paid = paid_minor(order)
    order.refunded_minor = min(given, paid)
    if given and given >= paid:
        order.refund_status = "full"
    elif _latest_failed(refunds):
        order.refund_status = "failed"
    else:
        order.refund_status = "partial" if given else "none"
    order.version += 1


def _refunds(db: Session, order: Order) -> list[Refund]:
    """The decisions about the payment that the order has now: one that was revived and paid again had another before."""
    payment_id = order.payment_id or ""
    return [each for each in queries.refunds_of(db, order.id) if each.is_of_order and each.payment_id == payment_id]


def _latest_failed(refunds: Sequence[Refund]) -> bool:
    done = [(refund.done_at, refund.id, refund.status) for refund in refunds if refund.done_at is not None]
    return bool(done) and max(done)[-1] == "failed"


def _require_rest(db: Session, order: Order) -> int:
    rest = refundable_minor(db, order)
    if rest <= 0:
        raise NothingToRefund("Nothing is left that could be given back.")
    return rest


def _decide(
    db: Session,
    order: Order,
    key: str,
    amount_minor: int,
    *,
    asks_for_all: bool,
    reason: str,
    by: int | None,
    now: datetime,
) -> Refund:
    is_provider = order.captured_minor > 0
    refund = Refund(
        refund_key=key,
        order_id=order.id,
        kind="provider" if is_provider else "offline",
        status="requested" if is_provider else "owed",
        payment_id=order.payment_id or "",
        amount_minor=amount_minor,
        currency=order.currency,
        reason=reason,
        decided_by=by,
        created_at=now,
    )
    db.add(refund)
    db.flush()
    if is_provider:
        asked = {
            "refund_key": key,
            "payment_id": order.payment_id or "",
            "amount_minor": 0 if asks_for_all else amount_minor,
            "currency": order.currency,
            "reason": reason,
        }
        telling.say_refund_requested(db, order, asked)
    return refund
