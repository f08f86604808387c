"""The text in a ticket's QR code: who it lets in, signed, so that nobody can make one up.

`SD1.<key id>.<numbers>.<signature>`, about 70 characters of letters, digits, `-`, `_` and `.`. The numbers are event,
attendee, serial and issue; an issue is raised when the holder changes, and then the older code is worth nothing.
The signature is 16 bytes of HMAC-SHA256 over everything before it. Only this service verifies codes, so a shared key is
enough; keys can be rotated: the first signs, all verify.
"""

import hmac
import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

PREFIX = "SD1"
SIGNATURE_BYTES = 16
LEAST_KEY_BYTES = 32
MOST_CHARACTERS = 120
_KEY_ID = re.compile(r"[A-Za-z0-9]{1,8}\Z")
_SHAPE = re.compile(r"SD1\.([A-Za-z0-9]{1,8})\.([A-Za-z0-9_-]{1,60})\.([A-Za-z0-9_-]{22})\Z")


class ForgedCode(Exception):
    """Not a code of ours: wrong shape, unknown key or wrong signature. Which one is nobody's business."""


class SupersededCode(Exception):
    """A true code, but a newer one was issued for this ticket."""


@dataclass(frozen=True)
class Code:
    event_id: int
    attendee_id: int
    serial: int
    issue: int


class Keys:
    """The signing keys by id; `current` signs new codes, the others still verify old ones."""

    def __init__(self, current: str, keys: Mapping[str, bytes]) -> None:
        if current not in keys:
            raise ValueError(f"The current key {current!r} is not among the keys")
        for key_id, key in keys.items():
            if not _KEY_ID.match(key_id):
                raise ValueError(f"Key id {key_id!r} is not 1 to 8 letters and digits")
            if len(key) < LEAST_KEY_BYTES:
                raise ValueError(f"Key {key_id!r} is shorter than {LEAST_KEY_BYTES} bytes")
        self.current, self._keys = current, dict(keys)

    @classmethod
    def parse(cls, text: str) -> "Keys":
        """From a setting: `id:base64,id:base64`, the current one first."""
        pairs = [part.strip().partition(":") for part in text.split(",") if part.strip()]
        if not pairs:
            raise ValueError("No ticket signing key is set")
        return cls(pairs[0][0], {key_id: b64decode(key, validate=True) for key_id, _, key in pairs})

    def sign(self, code: Code) -> str:
        """The text for the QR code."""
        numbers = (code.event_id, code.attendee_id, code.serial, code.issue)
        body = f"{PREFIX}.{self.current}.{_encode(b''.join(map(_varint, numbers)))}"
        return f"{body}.{_encode(_signature(self._keys[self.current], body))}"

    def read(self, text: str) -> Code:
        """The code that a scanner saw. Raises ForgedCode."""
        match = _SHAPE.match(text.strip()) if len(text) <= MOST_CHARACTERS else None
        if match is None:
            raise ForgedCode
        key_id, numbers, signature = match.groups()
        key = self._keys.get(key_id)
        body = f"{PREFIX}.{key_id}.{numbers}"
        # The same work for an unknown key, so that timing does not tell which ids exist.
        expected = _encode(_signature(key or bytes(LEAST_KEY_BYTES), body))
        if not hmac.compare_digest(expected.encode(), signature.encode()) or key is None:
            raise ForgedCode
        return _numbers(numbers)

    def verify(self, text: str, issue: int) -> Code:
        """The code, if it is also the ticket's present issue. Raises ForgedCode or SupersededCode."""
        code = self.read(text)
        if code.issue != issue:
            raise SupersededCode
        return code


def _signature(key: bytes, body: str) -> bytes:
    return hmac.digest(key, body.encode(), sha256)[:SIGNATURE_BYTES]


def _numbers(text: str) -> Code:
    data = _decode(text)
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            found.append(value)
            value, shift = 0, 0
    if len(found) != 4 or shift:
        raise ForgedCode
    return Code(*found)


def _varint(number: int) -> bytes:
    if number < 0:
        raise ValueError("A code holds no negative numbers")
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        raise ForgedCode from None
