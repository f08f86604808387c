"""Every secret of a local system: made once, kept in one file that only its owner can read."""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from chassis.rpc import digest
from gateway.config import SERVICES


@dataclass(frozen=True)
class LocalSecrets:
    """`database` and `service` hold one secret per service, comma separated name=value pairs elsewhere are made of them."""

    database: dict[str, str]
    service: dict[str, str]
    encryption_key: str
    key_encryption_key: str
    ticket_signing_key: str
    super_admin_password: str
    organizer_password: str
    buyer_password: str
    stripe_key: str
    stripe_webhook_secret: str
    paypal_client_id: str
    paypal_client_secret: str

    def caller_secrets(self) -> str:
        """What every service stores of the others' secrets."""
        return ",".join(f"{name}={digest(secret)}" for name, secret in self.service.items())


def load_or_make(path: Path) -> LocalSecrets:
    """The secrets in this file, made if they are not there."""
    if not path.exists():
        _write(path, _make())
    kept = json.loads(path.read_text())
    if shared := kept.get("signing_key"):  # from when one key served both purposes; data and tickets of then need it
        kept = {"key_encryption_key": shared, "ticket_signing_key": shared, **kept}
    known = {each.name for each in fields(LocalSecrets)}
    return LocalSecrets(**{name: value for name, value in kept.items() if name in known})


def _make() -> LocalSecrets:
    return LocalSecrets(
        database={name: secrets.token_urlsafe(18) for name in (*SERVICES, "broker")},
        service={name: secrets.token_urlsafe(32) for name in (*SERVICES, "gateway")},
        encryption_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        key_encryption_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        ticket_signing_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        super_admin_password="demo-admin-password",  # noqa: S106 (demo logins are printed by make up)
        organizer_password="demo-organizer-password",  # noqa: S106
        buyer_password="demo-buyer-password",  # noqa: S106
        stripe_key="sk_test_" + secrets.token_hex(16),
        stripe_webhook_secret="whsec_" + secrets.token_hex(24),
        paypal_client_id="client-" + secrets.token_hex(8),
        paypal_client_secret=secrets.token_hex(24),
    )


def _write(path: Path, made: LocalSecrets) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(made), file, indent=1)
    draft.rename(path)
