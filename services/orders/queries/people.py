"""Who lives under an address, as far as accounts told us."""

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from services.orders.models import User

_WITH_ADDRESS = (
    select(User.id)
    .where(func.lower(User.email) == bindparam("email"), User.is_verified, User.is_deleted.is_(False))
    .limit(1)
)


def user_with_address(db: Session, email: str | None) -> int | None:
    """The user who has proved this address, whose ticket it then is. Anybody can sign up with anybody's."""
    return db.execute(_WITH_ADDRESS, {"email": email.lower()}).scalar() if email else None
