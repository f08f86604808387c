"""What tokens say. Other services read it with chassis.auth; nobody else signs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol


class Person(Protocol):
    """The part of a user that tokens carry."""

    @property
    def id(self) -> int: ...
    @property
    def email(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def is_verified(self) -> bool: ...


@dataclass(frozen=True)
class Issue:
    """One generation of a session's tokens. The same issue gives the same tokens, signature included."""

    session_id: str
    refresh_jti: str
    access_jti: str
    csrf: str
    issued_at: datetime
    session_expires_at: datetime
    access_lifetime: timedelta


def access_claims(person: Person, issue: Issue, *, is_fresh: bool) -> Mapping[str, Any]:
    """The claims of an access token. `fresh`: the password was given for this very token."""
    expires_at = min(issue.issued_at + issue.access_lifetime, issue.session_expires_at)
    return {
        **_common(person, issue, expires_at),
        "typ": "access",
        "jti": issue.access_jti,
        "email": person.email,
        "role": person.role,
        "is_verified": person.is_verified,
        "fresh": is_fresh,
        "csrf": issue.csrf,
    }


def refresh_claims(person: Person, issue: Issue) -> Mapping[str, Any]:
    """The claims of a refresh token: it names its session and says nothing about the person but the id."""
    return {**_common(person, issue, issue.session_expires_at), "typ": "refresh", "jti": issue.refresh_jti}


def _common(person: Person, issue: Issue, expires_at: datetime) -> dict[str, Any]:
    return {
        "sub": str(person.id),
        "identity": person.id,
        "sid": issue.session_id,
        "iat": issue.issued_at.timestamp(),
        "exp": int(expires_at.timestamp()),
    }
