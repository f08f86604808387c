"""What must be nought in a healthy system, counted for its operator."""

from datetime import datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from services.orders.models import Attendee, Order

PATIENCE = timedelta(minutes=10)  # longer than any retry of a provider, a message or a PDF


def stuck_orders(db: Session, now: datetime) -> int:
    """Unpaid orders whose time is long over, so that their seats are held for nobody."""
    unpaid = Order.status.in_(("initializing", "pending"))
    stuck = select(func.count()).select_from(Order).where(unpaid, Order.expires_at < now - PATIENCE)
    return int(db.scalar(stuck) or 0)


def paid_without_ticket(db: Session, now: datetime) -> int:
    """Attendees of completed orders of whom tickets has never said that there is a PDF, for a long time.

    The link alone says nothing: it goes when its holder is erased.
    """
    of_completed = and_(Order.id == Attendee.order_id, Order.status == "completed", Order.deleted_at.is_(None))
    waiting = (Attendee.seat == "sold", Attendee.pdf_version == 0, Order.completed_at < now - PATIENCE)
    return int(db.scalar(select(func.count(Attendee.id)).join(Order, of_completed).where(*waiting)) or 0)
