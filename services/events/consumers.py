"""What events does when other services speak."""

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from chassis import clock, replicas
from chassis.inbox import consumes
from proto.accounts.accounts_pb2 import User as State
from proto.accounts.accounts_pb2 import UserChanged
from proto.orders.orders_pb2 import AttendeesReleased, OrderCancelled, OrderPaid, OrderPlaced, OrderUnsettled
from proto.payments.payments_pb2 import StripeAuthorizationChanged
from services.events import erasing, sales
from services.events.models import Event, StripeAuthorization, User


@consumes(UserChanged)
def keep_user(db: Session, message: UserChanged) -> None:
    """Keeps the replica of a user; an erased one is forgotten, and leaves a tombstone that nothing overtakes."""
    apply_user(db, message.user)


def apply_user(db: Session, user: State) -> None:
    """Writes what is newer than what we have. What bears the address of an erased person is theirs if they had proved it."""
    known = db.get(User, user.id)
    proved = known.email if known is not None and known.is_verified else ""
    names = ("email", "first_name", "last_name", "public_name", "avatar_url", "locale")
    values = {name: "" if user.erased else getattr(user, name) for name in names}
    if replicas.apply(db, User, user, {**values, "is_verified": user.is_verified, "role": user.role or "user"}):
        db.expire_all()
        if user.erased:
            erasing.forget(db, user.id, proved)


@consumes(StripeAuthorizationChanged)
def link_stripe(db: Session, message: StripeAuthorizationChanged) -> None:
    """Notes whether an authorization is linked, unless we know something newer; its event follows."""
    event = db.scalars(select(Event).where(Event.id == message.event_id).with_for_update(of=Event)).first()
    values = {
        "event_id": message.event_id,
        "epoch": message.epoch,
        "version": message.version,
        "is_linked": message.is_linked,
        "stripe_publishable_key": message.publishable_key if message.is_linked else "",
        "heard_at": clock.now(),
    }
    table = StripeAuthorization
    statement = insert(table).values(id=message.authorization_id, **values)
    is_newer = tuple_(table.epoch, table.version) < tuple_(statement.excluded.epoch, statement.excluded.version)
    db.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values, where=is_newer))
    linked = select(table.id).where(table.event_id == message.event_id, table.is_linked)
    if event is not None:
        event.is_stripe_linked = db.scalars(linked).first() is not None


@consumes(OrderPaid)
def count_sale(db: Session, message: OrderPaid) -> None:
    """Counts a completed order."""
    sales.count(db, message.order, "completed")


@consumes(OrderPlaced)
def count_placed(db: Session, message: OrderPlaced) -> None:
    """Counts an order that will be paid by other means."""
    sales.count(db, message.order, "placed")


@consumes(OrderUnsettled)
def uncount_unsettled(db: Session, message: OrderUnsettled) -> None:
    """An order that was moved back does not count until it is paid or placed again."""
    sales.count(db, message.order, "over")


@consumes(AttendeesReleased)
def uncount_released(db: Session, message: AttendeesReleased) -> None:
    """After a partial refund fewer come; what was paid for the order stays what it was.

    An order whose attendees are all released has left `completed`, which another message tells.
    """
    if message.order.status == "completed":
        sales.count(db, message.order, "completed")


@consumes(OrderCancelled)
def uncount_sale(db: Session, message: OrderCancelled) -> None:
    """A cancelled order does not count, whatever it was before."""
    sales.count(db, message.order, "over")
