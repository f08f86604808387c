"""Passwords that come in: tried within the limits, with the same work whether or not there is such a user."""

from typing import Any

from chassis.db import transaction
from chassis.errors import BadRequest
from services.accounts import hashing, queries
from services.accounts.api.callers import client_address
from services.accounts.commands.sessions import Verified, WrongCredentials
from services.accounts.domain.emails import key_of
from services.accounts.limits import forget, give_back, limits, take
from services.accounts.models import User


def read_credentials(body: Any) -> tuple[str, str]:
    """Address and password of a login form; existing clients call the address `username`. Raises BadRequest."""
    given = body if isinstance(body, dict) else {}
    email, password = given.get("username") or given.get("email"), given.get("password")
    if not isinstance(email, str) or not isinstance(password, str) or not email or not password:
        raise BadRequest("Please give an e-mail address and a password.", code="credentials-missing")
    return email, password


def verify(email: str, password: str) -> Verified:
    """The user whose address and password these are. Raises WrongCredentials (401) or TooManyRequests (429).

    The work is done outside of any transaction: a hash takes longer than anything that holds a lock should.
    """
    address, account = client_address(), key_of(email)
    take(limits().login_from_address, address)
    take(limits().login_of_account, account)
    with transaction() as db:
        user = queries.living_user(db, email)
        found = None if user is None else (user.id, user.password_hash)
    password_hash = None if found is None else found[1]
    if not hashing.matches(password_hash, password) or found is None or password_hash is None:
        raise WrongCredentials
    give_back(limits().login_from_address, address)
    forget(limits().login_of_account, account)
    new_hash = hashing.hash_password(password) if hashing.is_outdated(password_hash) else None
    return Verified(found[0], password_hash, new_hash)


def verify_own(user_id: int, password: str) -> Verified:
    """The logged-in user, when this is their password. The same limits hold."""
    with transaction() as db:
        user = db.get(User, user_id)
        email = "" if user is None or user.deleted_at is not None else user.email
    return verify(email, password)
