"""Makes every secret that docker-compose.yml reads, one file each, under deploy/compose/secrets/: `make secrets`.

Files that exist stay as they are, so running it again only adds what a new version needs. Keep the folder out of version
control and in your backup: without `key_encryption` and `secrets_keys` nobody can log in or refund after a restore.
"""

import base64
import hashlib
import json
import os
import secrets
from pathlib import Path

FOLDER = Path(os.environ.get("SECRETS_FOLDER") or Path(__file__).resolve().parent / "secrets")
SERVICES = ("accounts", "events", "orders", "payments", "tickets")


def main() -> None:
    """Writes what is missing."""
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    _keep("postgres_password", secrets.token_urlsafe(24))
    rabbit = _keep("rabbitmq_password", secrets.token_urlsafe(24))
    callers = []
    for name in SERVICES:
        password = _keep(f"{name}_database_password", secrets.token_urlsafe(24))
        _keep(f"{name}_database_url", f"postgresql://{name}:{password}@postgres:5432/stagedoor_{name}")
    for name in (*SERVICES, "gateway"):
        secret = _keep(f"{name}_service_secret", secrets.token_urlsafe(32))
        callers.append(f"{name}={hashlib.sha256(secret.encode()).hexdigest()}")
    _write("caller_secrets", ",".join(callers))
    _keep("broker_url", f"amqp://stagedoor:{rabbit}@rabbitmq:5672/")
    _write("rabbitmq_definitions.json", json.dumps(_definitions(rabbit)))
    for name in ("key_encryption", "secrets_keys", "ticket_signing_keys"):
        _keep(name, "1:" + base64.b64encode(secrets.token_bytes(32)).decode())
    _keep("super_admin_password", secrets.token_urlsafe(12))
    _keep("mail_url", "file:///mail")
    _keep("storage_url", "file:///files")
    _keep("stripe_secret_key", "sk_test_" + secrets.token_hex(16))
    _keep("stripe_webhook_secret", "whsec_" + secrets.token_hex(24))
    _keep("paypal_client_secret", secrets.token_hex(24))
    print(f"Secrets are in {FOLDER}. The first super admin's password is in super_admin_password.")  # noqa: T201


def _definitions(password: str) -> dict[str, object]:
    """RabbitMQ's user, rights and limits. Queues are declared by the services."""
    salt = secrets.token_bytes(4)
    hashed = base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
    limits = {"max-length-bytes": 2_000_000_000, "overflow": "reject-publish"}
    return {
        "vhosts": [{"name": "/"}],
        "users": [
            {
                "name": "stagedoor",
                "password_hash": hashed,
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "",
            }
        ],
        "permissions": [{"user": "stagedoor", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}],
        "policies": [
            {"vhost": "/", "name": "limits", "pattern": ".*", "apply-to": "queues", "definition": limits, "priority": 0}
        ],
    }


def _keep(name: str, value: str) -> str:
    path = FOLDER / name
    return path.read_text(encoding="utf-8") if path.exists() else _write(name, value)


def _write(name: str, value: str) -> str:
    path = FOLDER / name
    path.unlink(missing_ok=True)  # what is there is read-only
    path.write_text(value, encoding="utf-8")
    path.chmod(0o444)  # containers read it as other users; the folder itself is the owner's alone
    return value


if __name__ == "__main__":
    main()
