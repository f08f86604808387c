"""Who lives under an address, as far as accounts told us."""

from unicodedata import normalize

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from services.orders.models import User


def as_accounts_writes(email: str) -> str:
    """An address as a user has it who typed the same: phones add blanks, and compose letters in their own way."""
    return normalize("NFC", email.strip())


_WITH_ADDRESS = (
    select(User.id)
    .where(func.lower(User.email) == bindparam("email"), User.is_verified, User.is_deleted.is_(False))
    .limit(1)
)


def user_with_address(db: Session, email: str | None) -> int | None:
    """The user who has proved this address, whose ticket it then is. Anybody can sign up with anybody's."""
    return db.execute(_WITH_ADDRESS, {"email": email.lower()}).scalar() if email else None
