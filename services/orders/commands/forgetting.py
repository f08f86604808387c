"""A person is erased: orders keep anonymized amounts (DESIGN: "Erasing a person")."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from chassis.idempotency import answers
from services.orders.commands import telling
from services.orders.domain.forms import BILLING_COLUMNS
from services.orders.domain.lifecycle import Status
from services.orders.models import Attendee, Order

BUYER = (
    *BILLING_COLUMNS,
    "order_notes",
    "cancel_note",
    "brand",
    "last4",
    "exp_month",
    "exp_year",
    "tickets_pdf_url",
)
KEPT_OF_ATTENDEES = frozenset(
    {
        "id",
        "identifier",
        "event_id",
        "ticket_id",
        "order_id",
        "creator_id",
        "seat",
        "price_minor",
        "currency",
        "is_discount_applied",
        "is_access_code_applied",
        "created_at",
        "deleted_at",
        "is_checked_in",
        "is_checked_out",
        "is_registered",
        "scan_version",
        "pdf_version",
        "tag_id",
    }
)


def forget(db: Session, user_id: int, email: str, *, is_proved: bool) -> None:
    """Clears what we know of a person as buyer and as attendee, and the answers that were kept for them.

    Whoever comes under `email` is the person. If nobody proved that it is theirs, only those are whom they entered
    themselves: anybody can sign up with anybody's address.
    Seats, amounts, statuses and invoice numbers stay: they are the books. Other attendees of the person's orders stay, too.
    """
    is_person = Attendee.user_id == user_id
    if email:
        is_named = func.lower(Attendee.email) == email.lower()
        if not is_proved:
            is_person = and_(is_person, is_named.is_not(True))
            is_named = and_(is_named, Attendee.creator_id == user_id)
        is_person = or_(is_person, is_named)
    attended = select(Attendee.order_id).where(is_person)
    touched = select(Order.id).where(or_(Order.user_id == user_id, Order.id.in_(attended)))
    db.execute(touched.order_by(Order.id).with_for_update())
    cleared: dict[str, Any] = dict.fromkeys(BUYER)
    orders = update(Order).where(Order.user_id == user_id)
    db.execute(orders.values(**cleared, buyer_email="", locale="", version=Order.version + 1))
    personal: dict[str, Any] = {
        column.key: None for column in Attendee.__table__.columns if column.key not in KEPT_OF_ATTENDEES
    }
    forgotten = update(Attendee).where(is_person).values(**personal).returning(Attendee.id)
    _tell_of_tickets(db, db.execute(forgotten).scalars().all())
    db.execute(delete(answers).where(answers.c.caller == str(user_id)))


def _tell_of_tickets(db: Session, attendee_ids: Sequence[int]) -> None:
    """From here on nothing that we say of their tickets names them, so that the seats may be given to others."""
    holders = select(Order, Attendee).join(Attendee, Attendee.order_id == Order.id)
    coming = (Attendee.id.in_(attendee_ids), Attendee.deleted_at.is_(None), Order.status == Status.COMPLETED)
    statement = holders.where(*coming).order_by(Order.id, Attendee.id)
    for order, attendee in db.execute(statement.execution_options(populate_existing=True)).all():
        order.version += 1
        telling.say_attendee_changed(db, order, attendee, is_erased=True)
