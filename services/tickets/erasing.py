"""People as this service knows them, and forgetting one: what was sold stays in the books, without a name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from chassis import clock, replicas
from chassis.db import execute
from chassis.idempotency import answers
from chassis.mail import forget_recipient
from proto.accounts.accounts_pb2 import User as UserState
from proto.orders.orders_pb2 import Attendee, OrderState
from services.tickets import pages
from services.tickets.commands import NEVER_OVERTAKEN, doom, orders, tickets
from services.tickets.models import Order, User

_LOCK_USERS = "SELECT id, version FROM users WHERE id = ANY(%s::bigint[]) ORDER BY id FOR SHARE"
# What the door was answered names the holder.
_FORGET_ANSWERS = text("DELETE FROM idempotency WHERE path = '/v1/tickets/scan' AND position(:serial IN body) > 0")


def keep_user(db: Session, user: UserState) -> bool:
    """Addresses, so that an erased person can be found under one that was proved. Whether this erased somebody.

    Who is only deleted may come back, and keeps tickets and address until then or until erased.
    """
    known = db.get(User, user.id)
    former, had_proved = (known.email, known.is_verified) if known is not None else ("", False)
    values: dict[str, Any] = {"email": user.email, "is_verified": user.is_verified}
    if user.deleted:
        values = {"email": "" if user.erased else former, "is_verified": had_proved}
    if not replicas.apply(db, User, user, values) or not user.erased:
        return False
    is_proved = user.is_verified if had_proved is None else had_proved
    address = "" if _is_anothers(db, user.id, former) else former.lower()
    erase_person(db, user.id, address, is_proved=is_proved, now=clock.now())
    return True


def erase_person(db: Session, user_id: int, email: str, *, is_proved: bool, now: datetime) -> None:
    """Takes a person off tickets, orders, pages and mails.

    What bears `email` (lower case) is the person's. If nobody proved that it is theirs, only what they bought is: anybody
    can sign up with anybody's address.
    """
    mine = tickets.c.user_id == user_id
    if email:
        is_named = func.lower(tickets.c.holder_email) == email
        if is_proved:
            forget_recipient(db, email)
        else:
            mine &= ~is_named
            is_named &= tickets.c.order_identifier.in_(select(orders.c.identifier).where(orders.c.buyer_id == user_id))
        mine |= is_named
    theirs = select(tickets.c.order_identifier).where(mine)
    touched = select(Order).where((orders.c.buyer_id == user_id) | orders.c.identifier.in_(theirs))
    for order in db.scalars(touched.order_by(orders.c.identifier).with_for_update()):
        order.state = _without_person(order.state, user_id, email, is_proved=is_proved)
        order.buyer_email = OrderState.FromString(order.state).buyer_email
        doom(db, [order.invoice_key], now=now)
        order.revision, order.due_at, order.invoice_key = order.revision + 1, now, ""
    db.flush()
    db.execute(delete(answers).where(answers.c.caller == str(user_id)))
    for serial in db.scalars(select(tickets.c.serial).where(mine)):
        db.execute(_FORGET_ANSWERS, {"serial": pages.serial_number(serial).encode()})
    nobody = {"holder_name": "", "holder_email": "", "user_id": 0, "holder_version": NEVER_OVERTAKEN}
    db.execute(update(tickets).where(mine).values(**nobody, revision=tickets.c.revision + 1))


def leave_out_erased(db: Session, order: OrderState) -> OrderState:
    """An order without the people who were erased before it was heard here. They are locked against being erased now."""
    for user_id in _erased(db, {order.buyer_id, *(attendee.user_id for attendee in order.attendees)}):
        is_buyer = order.buyer_id == user_id
        _leave_out(order, user_id, order.buyer_email.lower() if is_buyer else "", is_proved=False)
    return order


def leave_out_erased_holder(db: Session, attendee: Attendee) -> Attendee:
    """The same for one attendee."""
    if _erased(db, {attendee.user_id}):
        _forget(attendee)
    return attendee


def _is_anothers(db: Session, user_id: int, email: str) -> bool:
    """Whether somebody else has proved that this address is theirs by now: deleting frees it."""
    is_free = User.is_deleted | User.is_verified.is_(False)
    theirs = (User.id != user_id, ~is_free, func.lower(User.email) == email.lower())
    return bool(email) and db.scalar(select(User.id).where(*theirs).limit(1)) is not None


def _without_person(state: bytes, user_id: int, email: str, *, is_proved: bool) -> bytes:
    order = OrderState.FromString(state)
    _leave_out(order, user_id, email, is_proved=is_proved)
    return order.SerializeToString()


def _leave_out(order: OrderState, user_id: int, email: str, *, is_proved: bool) -> None:
    if order.buyer_id == user_id:
        order.buyer_email = order.buyer_name = ""
        order.ClearField("billing")
    is_address_theirs = is_proved or order.buyer_id == user_id
    for attendee in order.attendees:
        is_named = bool(email) and attendee.email.lower() == email
        if is_address_theirs if is_named else attendee.user_id == user_id:
            _forget(attendee)


def _forget(attendee: Attendee) -> None:
    attendee.first_name = attendee.last_name = attendee.email = ""
    attendee.user_id = 0


def _erased(db: Session, user_ids: set[int]) -> Sequence[int]:
    known = execute(db, _LOCK_USERS, (sorted(user_ids - {0}),))
    return [row.id for row in known if row.version == NEVER_OVERTAKEN]
