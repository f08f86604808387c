"""The keys that sign tokens: `python -m services.accounts.keys list | rotate [--revoke] | reencrypt`.

A new key is published two minutes before it signs, so that every verifier has it by then. Old public keys stay until the
last token that they signed has expired. Private parts lie encrypted in the database.
"""

import argparse
import base64
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any

import jwt
import sqlalchemy as sa
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.orm import Session

import chassis.db
from chassis import clock
from chassis.config import MisconfiguredError, load
from chassis.outbox import publish
from proto.accounts import accounts_pb2 as pb
from services.accounts.config import Settings
from services.accounts.models import SigningKey

PUBLISHED_AHEAD = timedelta(minutes=2)
_LOCK = 4_217_101  # held while a key is made, so that two processes never make two

_cipher: MultiFernet | None = None


@dataclass(frozen=True)
class Signer:
    """The key that signs now."""

    key_id: str
    private: Ed25519PrivateKey


def configure(settings: Settings) -> None:
    """Takes over the secrets that encrypt private keys. Raises MisconfiguredError when there is none."""
    global _cipher
    names = [each.strip() for each in settings.key_encryption_secret.split(",") if each.strip()]
    if not names or min(len(each) for each in names) < 16:
        raise MisconfiguredError("Cannot start accounts: KEY_ENCRYPTION_SECRET needs 16 characters or more")
    _cipher = MultiFernet([Fernet(_derived(each)) for each in names])
    _opened.cache_clear()


def signer(db: Session, key_id: str | None = None) -> Signer | None:
    """The key that signs now, made if there is none; or the one with this id, None when it is gone."""
    row = db.get(SigningKey, key_id) if key_id is not None else _current(db) or _first(db)
    return None if row is None else Signer(row.id, _opened(row.private_encrypted))


def rotate(db: Session, *, revoke_old: bool = False) -> SigningKey:
    """Makes the next key and says so. `revoke_old` (a private key leaked): it signs at once, and all tokens so far die."""
    now = clock.now()
    db.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    if revoke_old:
        db.execute(sa.delete(SigningKey))
    made = _make(now, now if revoke_old else now + PUBLISHED_AHEAD)
    db.add(made)
    db.flush()
    publish(db, pb.KeysRotated(key_id=made.id), key="signing-keys")
    return made


def rotate_by_age(db: Session, oldest: timedelta) -> None:
    """Rotates when the newest key is older than this."""
    db.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    newest = db.scalar(sa.select(sa.func.max(SigningKey.created_at)))
    if newest is None:
        _first(db)
    elif newest <= clock.now() - oldest:
        rotate(db)


def forget_old(db: Session, longest_token: timedelta) -> None:
    """Removes keys whose last token has expired: their successor has signed for longer than any token lives."""
    rows = db.execute(sa.select(SigningKey.id, SigningKey.signs_from).order_by(SigningKey.signs_from)).all()
    limit = clock.now() - longest_token - timedelta(hours=1)
    past = [old.id for old, successor in pairwise(rows) if successor.signs_from < limit]
    db.execute(sa.delete(SigningKey).where(SigningKey.id.in_(past)))


def reencrypt(db: Session) -> int:
    """Encrypts all private keys with the first secret, so that a later one can be dropped; how many."""
    rows = db.scalars(sa.select(SigningKey).with_for_update()).all()
    for row in rows:
        row.private_encrypted = _configured().rotate(row.private_encrypted)
    return len(rows)


def jwks(db: Session) -> dict[str, Any]:
    """All public keys (RFC 7517), the newest first."""
    rows = db.scalars(sa.select(SigningKey).order_by(SigningKey.signs_from.desc())).all() or [_first(db)]
    return {"keys": [row.public_jwk for row in rows]}


def _current(db: Session) -> SigningKey | None:
    newest = sa.select(SigningKey).where(SigningKey.signs_from <= clock.now()).order_by(SigningKey.signs_from.desc())
    return db.scalar(newest.limit(1))


def _first(db: Session) -> SigningKey:
    """The first key of an installation; the lock makes whoever comes second find it."""
    db.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    if (found := db.scalar(sa.select(SigningKey).order_by(SigningKey.signs_from).limit(1))) is not None:
        return found
    now = clock.now()
    made = _make(now, now)
    db.add(made)
    db.flush()
    return made


def _make(created_at: datetime, signs_from: datetime) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    key_id = f"{created_at:%Y%m%d}-{secrets.token_hex(8)}"
    public = jwt.algorithms.OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
    raw = private.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return SigningKey(
        id=key_id,
        public_jwk={**public, "kid": key_id, "alg": "EdDSA", "use": "sig"},
        private_encrypted=_configured().encrypt(raw),
        created_at=created_at,
        signs_from=signs_from,
    )


@lru_cache(maxsize=16)
def _opened(encrypted: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_configured().decrypt(encrypted))


def _derived(secret: str) -> bytes:
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"stagedoor accounts signing keys")
    return base64.urlsafe_b64encode(kdf.derive(secret.encode()))


def _configured() -> MultiFernet:
    if _cipher is None:
        raise RuntimeError("services.accounts.keys.configure() has not been called in this process")
    return _cipher


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line, in the environment of the service."""
    parser = argparse.ArgumentParser(prog="python -m services.accounts.keys", description=__doc__)
    parser.add_argument("action", choices=["list", "rotate", "reencrypt"])
    parser.add_argument("--revoke", action="store_true", help="with rotate: end every token signed so far")
    given = parser.parse_args(arguments)
    settings = load(Settings, os.environ)
    configure(settings)
    chassis.db.configure(settings.database_url)
    with chassis.db.transaction() as db:
        if given.action == "rotate":
            made = rotate(db, revoke_old=given.revoke)
            print(f"{made.id} signs from {made.signs_from:%Y-%m-%d %H:%M:%S} UTC")  # noqa: T201
        elif given.action == "reencrypt":
            print(f"{reencrypt(db)} keys encrypted with the first secret")  # noqa: T201
        else:
            for row in db.scalars(sa.select(SigningKey).order_by(SigningKey.signs_from)):
                print(f"{row.id} signs from {row.signs_from:%Y-%m-%d %H:%M:%S} UTC")  # noqa: T201


if __name__ == "__main__":
    main()
