"""Secrets of organizers, encrypted before they reach a table: AES-256-GCM, bound to the row that they belong to.

`SECRETS_KEYS` lists ``id:base64key`` pairs. The first encrypts, all of them decrypt: to rotate, put a new one first, wait
for the job `tidy_up`, drop the old one.
"""

import base64
import binascii
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.config import MisconfiguredError
from chassis.errors import Unavailable

_NONCE_BYTES = 12


class SecretsNotConfigured(Unavailable):
    code = "secrets-not-configured"


class Vault:
    """Encrypts with one key, decrypts with any of them. Never shows a key."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys), "")

    @classmethod
    def parse(cls, text: str) -> "Vault":
        """Reads SECRETS_KEYS. Raises MisconfiguredError for what is no list of 32-byte keys."""
        keys: dict[str, bytes] = {}
        for pair in filter(None, (part.strip() for part in text.split(","))):
            key_id, _, encoded = pair.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                key = b""
            if len(key) != 32 or not key_id or key_id in keys:
                raise MisconfiguredError("SECRETS_KEYS must be id:base64 of 32 bytes, …, each id once")
            keys[key_id] = key
        return cls(keys)

    def check(self) -> None:
        """Raises SecretsNotConfigured (503) when nothing could be encrypted."""
        if not self._current:
            raise SecretsNotConfigured(
                "This installation cannot keep secrets yet: its operator has to set SECRETS_KEYS."
            )

    def encrypt(self, secret: str, *, belongs_to: str) -> str:
        """The secret as a column holds it. Raises SecretsNotConfigured (503) without a key."""
        if not self._current:
            raise SecretsNotConfigured(
                "This installation cannot keep secrets yet: its operator has to set SECRETS_KEYS."
            )
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, secret.encode(), belongs_to.encode())
        return f"{self._current}:{base64.b64encode(nonce + sealed).decode()}"

    def decrypt(self, sealed: str, *, belongs_to: str) -> str:
        """The secret. Raises SecretsNotConfigured when its key is gone or it belongs elsewhere."""
        key_id, _, encoded = sealed.partition(":")
        raw = base64.b64decode(encoded)
        try:
            return self._ciphers[key_id].decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], belongs_to.encode()).decode()
        except (KeyError, InvalidTag):
            raise SecretsNotConfigured("A stored secret cannot be read: its key is not in SECRETS_KEYS.") from None

    def is_current(self, sealed: str) -> bool:
        """Whether the first key encrypted it."""
        return sealed.partition(":")[0] == self._current
