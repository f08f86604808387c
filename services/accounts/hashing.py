"""Passwords as argon2id hashes. Only a few are computed at a time, so that a storm of logins cannot take all memory."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from chassis.errors import Unavailable
from services.accounts.config import Settings
from services.accounts.domain.passwords import LONGEST, prepared


@dataclass(frozen=True)
class Hashing:
    """The hasher of this process, its free places, and a hash to compare with where there is no user."""

    hasher: PasswordHasher
    places: BoundedSemaphore
    wait_seconds: float
    nobodys_hash: str


_hashing: Hashing | None = None


def configure(settings: Settings) -> None:
    """Takes over parameters and limits. One lane (p=1): the places decide how many cores are used."""
    global _hashing
    hasher = PasswordHasher(
        time_cost=settings.password_passes, memory_cost=settings.password_memory_kib, parallelism=1, type=Type.ID
    )
    places = BoundedSemaphore(max(1, settings.password_hashers))
    _hashing = Hashing(hasher, places, settings.password_wait_seconds, hasher.hash(secrets.token_urlsafe()))


def hash_password(password: str) -> str:
    """The hash to store. Raises Unavailable (503) when too many others wait."""
    with _place() as hashing:
        return hashing.hasher.hash(prepared(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Whether this is the password. Without a hash the answer is no, after the same work."""
    with _place() as hashing:
        try:
            hashing.hasher.verify(password_hash or hashing.nobodys_hash, prepared(password[: LONGEST + 1]))
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether the parameters have risen since this hash was made."""
    return _configured().hasher.check_needs_rehash(password_hash)


@contextmanager
def _place() -> Iterator[Hashing]:
    hashing = _configured()
    if not hashing.places.acquire(timeout=hashing.wait_seconds):
        raise Unavailable("Too many people log in right now. Please try again in a moment.", code="logins-busy")
    try:
        yield hashing
    finally:
        hashing.places.release()


def _configured() -> Hashing:
    if _hashing is None:
        raise RuntimeError("services.accounts.hashing.configure() has not been called in this process")
    return _hashing
