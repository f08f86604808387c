"""Tokens out, tokens in: signed with our keys, and our own refresh tokens read back."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from sqlalchemy.orm import Session

from chassis.auth import AUDIENCE, ISSUER, InvalidToken
from services.accounts import config, keys
from services.accounts.domain.claims import Issue, access_claims, refresh_claims
from services.accounts.models import LoginSession, RefreshToken, SigningKey, User


@dataclass(frozen=True)
class Tokens:
    """What a login answers."""

    access: str
    refresh: str


@dataclass(frozen=True)
class Shown:
    """What a token of ours says about its session, whether or not it has expired."""

    user_id: int
    session_id: str
    jti: str
    kind: str


def access_lifetime() -> timedelta:
    """How long an access token is valid: so long verifiers must remember sessions that ended."""
    return timedelta(minutes=config.current().access_token_minutes)


def new_id() -> str:
    """128 random bits."""
    return secrets.token_hex(16)


def new_secret() -> str:
    """256 random bits as 43 characters that fit into a URL."""
    return secrets.token_urlsafe(32)


def tokens_of(db: Session, user: User, session: LoginSession, token: RefreshToken, *, is_fresh: bool) -> Tokens | None:
    """The tokens of one generation: the same ones whenever asked. None when their key was revoked meanwhile."""
    signer = keys.signer(db, token.key_id)
    if signer is None:
        return None
    issue = Issue(
        session_id=session.id,
        refresh_jti=token.jti,
        access_jti=token.access_jti,
        csrf=token.csrf,
        issued_at=token.issued_at,
        session_expires_at=session.expires_at,
        access_lifetime=access_lifetime(),
    )
    return Tokens(
        access=_signed(access_claims(user, issue, is_fresh=is_fresh), signer),
        refresh=_signed(refresh_claims(user, issue), signer),
    )


def read(db: Session, token: str, *, kinds: tuple[str, ...] = ("refresh",), is_expired_fine: bool = False) -> Shown:
    """What one of our tokens shows. Raises InvalidToken (401) for anything that we did not sign, or of another kind."""
    try:
        key_id = str(jwt.get_unverified_header(token).get("kid", ""))[:64]
        row = db.get(SigningKey, key_id) if key_id.isprintable() else None
        if row is None:
            raise InvalidToken("The token is not valid. Please log in again.")
        payload = jwt.decode(
            token,
            jwt.PyJWK(row.public_jwk),
            algorithms=["EdDSA"],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={
                "require": ["exp", "iat", "sub", "sid", "jti"],
                "verify_exp": not is_expired_fine,
                "verify_iat": False,  # clocks differ a little
            },
        )
        if payload.get("typ") not in kinds:
            raise InvalidToken(f"This is not a {kinds[0]} token.")
        return Shown(int(payload["sub"]), str(payload["sid"]), str(payload["jti"]), str(payload["typ"]))
    except jwt.ExpiredSignatureError:
        raise InvalidToken("This session has expired. Please log in again.", code="token-expired") from None
    except (jwt.PyJWTError, KeyError, ValueError, TypeError):
        raise InvalidToken("The token is not valid. Please log in again.") from None


def _signed(claims: Mapping[str, Any], signer: keys.Signer) -> str:
    payload = {"iss": ISSUER, "aud": AUDIENCE, **claims}
    return jwt.encode(payload, signer.private, algorithm="EdDSA", headers={"kid": signer.key_id})
