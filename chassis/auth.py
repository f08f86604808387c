"""Token in, claims out; and the roles that the specification asks for.

Tokens are JWTs signed with EdDSA by accounts. Every process keeps accounts' public keys and the sessions that ended early
(logout, reset, block, demotion), both told by broadcast and fetched anew when something unknown turns up. Verified tokens
are remembered for a minute at most; an ended session is looked up before that memory.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jwt

from chassis.errors import Forbidden, Unauthorized, Unavailable

log = logging.getLogger(__name__)

ISSUER = AUDIENCE = "stagedoor"
RANKS: Mapping[str, int] = {"user": 0, "admin": 1, "super-admin": 2}
REMEMBERED_SECONDS = 60
REMEMBERED_TOKENS = 10_000
REFETCH_SECONDS = 5

Role = Literal["user", "admin", "super-admin"]
Ended = tuple[int, str, float]  # (user_id, session_id, issued_before), as `Keyring.end` takes them
FetchKeys = Callable[[], tuple[Mapping[str, Any], Iterable[Ended]]]  # accounts' JWKS, and the sessions that ended early


@dataclass(frozen=True)
class Claims:
    """Who is asking, as the verified token says it."""

    user_id: int
    email: str
    role: Role
    is_verified: bool
    session_id: str
    is_fresh: bool
    token: str
    issued_at: float
    expires_at: float

    @property
    def is_admin(self) -> bool:
        """Server admin or higher: passes every event check as well."""
        return RANKS[self.role] >= RANKS["admin"]

    @property
    def is_super_admin(self) -> bool:
        """The highest rank."""
        return self.role == "super-admin"

    def get(self, key: str, default: Any = None) -> Any:
        """What Connexion asks of a token_info: `sub` is the user."""
        return str(self.user_id) if key == "sub" else default


class InvalidToken(Unauthorized):
    code = "invalid-token"


class Keyring:
    """The public keys and ended sessions that a process knows. `fetch` asks accounts for them."""

    def __init__(self, fetch: FetchKeys) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._ended_sessions: dict[str, float] = {}
        self._ended_users: dict[int, float] = {}
        self._tokens: OrderedDict[str, tuple[float, Claims]] = OrderedDict()
        self._fetched_at = -float("inf")

    def verify(self, token: str) -> Claims:
        """The claims of an access token. Raises InvalidToken (401), or Unavailable when accounts' keys are not known."""
        claims = self._remembered(token) or self._read(token)
        if self._has_ended(claims):
            raise InvalidToken("This session has ended. Please log in again.", code="session-ended")
        return claims

    def end(self, user_id: int, session_id: str, issued_before: float) -> None:
        """From now on tokens of this session (or, with an empty `session_id`, all older ones of the user) are refused."""
        if session_id:
            self._ended_sessions[session_id] = issued_before
        else:
            self._ended_users[user_id] = max(issued_before, self._ended_users.get(user_id, 0.0))

    def refresh(self) -> None:
        """Fetches keys and ended sessions anew and forgets remembered tokens. Raises Unavailable when accounts is down."""
        jwks, ended = self._fetch()
        keys = {key["kid"]: jwt.PyJWK(dict(key)) for key in jwks["keys"]}
        with self._lock:
            self._keys = keys
            self._tokens.clear()
        for user_id, session_id, issued_before in ended:
            self.end(user_id, session_id, issued_before)
        self._fetched_at = time.monotonic()

    def try_refresh(self) -> bool:
        """Whether keys are known, now or from before; asks for them if not."""
        if not self._keys:
            try:
                self.refresh()
            except Unavailable:
                return False
        return bool(self._keys)

    def remembers(self, header: str) -> bool:
        """Whether the token of this Authorization header can be checked without asking anybody."""
        return self._remembered(header.partition(" ")[2].strip()) is not None

    def _remembered(self, token: str) -> Claims | None:
        found = self._tokens.get(token)
        if found is None or time.monotonic() > found[0] or time.time() >= found[1].expires_at:
            return None
        return found[1]

    def _read(self, token: str) -> Claims:
        try:
            key_id = jwt.get_unverified_header(token).get("kid", "")
            payload = jwt.decode(
                token,
                self._key(key_id),
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["exp", "iat", "sub", "sid"], "verify_iat": False},  # clocks differ a little
            )
            if payload.get("typ") != "access":
                raise InvalidToken("This is not an access token.")
            claims = Claims(
                user_id=int(payload["sub"]),
                email=payload["email"],
                role=payload["role"] if payload["role"] in RANKS else "user",
                is_verified=bool(payload["is_verified"]),
                session_id=payload["sid"],
                is_fresh=bool(payload.get("fresh")),
                token=token,
                issued_at=float(payload["iat"]),
                expires_at=float(payload["exp"]),
            )
        except jwt.ExpiredSignatureError:
            raise InvalidToken("This session has expired. Please log in again.", code="token-expired") from None
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            raise InvalidToken("The token is not valid. Please log in again.") from None
        with self._lock:
            self._tokens[token] = (time.monotonic() + REMEMBERED_SECONDS, claims)
            while len(self._tokens) > REMEMBERED_TOKENS:
                self._tokens.popitem(last=False)
        return claims

    def _key(self, key_id: str) -> jwt.PyJWK:
        if key_id not in self._keys and time.monotonic() - self._fetched_at > REFETCH_SECONDS:
            self.refresh()
        if key_id in self._keys:
            return self._keys[key_id]
        if not self._keys:
            raise Unavailable("Logins cannot be checked right now. Please try again.")
        raise InvalidToken("The token is not valid. Please log in again.")

    def _has_ended(self, claims: Claims) -> bool:
        if claims.issued_at <= self._ended_sessions.get(claims.session_id, -1.0):
            return True
        return claims.issued_at < self._ended_users.get(claims.user_id, -1.0)


_keyring: Keyring | None = None


def configure(keyring: Keyring) -> None:
    """Binds this process to a keyring."""
    global _keyring
    _keyring = keyring


def keyring() -> Keyring:
    """The keyring of this process. Raises RuntimeError before `configure`."""
    if _keyring is None:
        raise RuntimeError("chassis.auth.configure() has not been called in this process")
    return _keyring


def claims_of_header(header: str) -> Claims:
    """The claims of an Authorization header: ``JWT …`` as existing clients send it, or ``Bearer …``."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() not in ("jwt", "bearer") or not token.strip():
        raise InvalidToken("The Authorization header must be 'Bearer <token>' or 'JWT <token>'.")
    return keyring().verify(token.strip())


@dataclass(frozen=True)
class Requirement:
    """What an operation's `security` asks for. `role` None: anyone may, and no token is looked at."""

    role: Role | None
    is_optional: bool

    @classmethod
    def of(cls, security: object) -> "Requirement":
        """Reads an operation's `security`. Raises ValueError when it declares nothing: that fails the build."""
        if not isinstance(security, list):
            raise ValueError("every operation must say who may call it (security)")  # noqa: TRY004 (a spec, not a type)
        if not security:
            return cls(None, True)
        roles = [entry["jwt"] for entry in security if "jwt" in entry]
        if len(roles) != 1 or len(roles[0]) != 1 or roles[0][0] not in RANKS:
            raise ValueError(f"security must be [{{jwt: [role]}}] with one of {list(RANKS)}, optionally with {{}}")
        return cls(roles[0][0], {} in security)

    def check(self, header: str | None) -> Claims | None:
        """The caller's claims. Raises Unauthorized (401) without a token where one is needed, Forbidden (403) below the role.

        A malformed or ended token is refused also where a login is optional: its sender believes to be logged in.
        """
        if self.role is None:
            return None
        if not header:
            if self.is_optional:
                return None
            raise Unauthorized("Please log in to do this.", headers={"WWW-Authenticate": "Bearer"})
        claims = claims_of_header(header)
        if RANKS[claims.role] < RANKS[self.role]:
            raise Forbidden(
                f"You need to be {self.role} or higher to do this.", code="role-required", meta={"role": self.role}
            )
        return claims
