"""What accounts reads from its environment, beside what every service reads."""

from dataclasses import dataclass

from chassis.config import Held, ServiceSettings, setting
from chassis.mail import MailSettings


@dataclass(frozen=True, kw_only=True)
class Settings(MailSettings, ServiceSettings):
    """The settings of accounts."""

    key_encryption_secret: str = setting(
        "KEY_ENCRYPTION_SECRET",
        doc="encrypts the private signing keys at rest; a comma-separated list: the first encrypts, all decrypt",
        secret=True,
    )
    super_admin_email: str = setting(
        "SUPER_ADMIN_EMAIL", doc="the first super admin of a fresh installation, created once", default=""
    )
    super_admin_password: str = setting(
        "SUPER_ADMIN_PASSWORD", doc="its password; SUPER_ADMIN_PASSWORD_FILE names a file", default="", secret=True
    )
    data_epoch: int = setting(
        "DATA_EPOCH", doc="raise it by one after restoring this database from a backup: replicas then follow", default=0
    )
    access_token_minutes: int = setting("ACCESS_TOKEN_MINUTES", doc="how long an access token is valid", default=15)
    session_days: int = setting(
        "SESSION_DAYS", doc="a login lasts this long at most, however often its tokens are refreshed", default=30
    )
    key_rotation_days: int = setting(
        "KEY_ROTATION_DAYS", doc="a signing key older than this is followed by a new one", default=30
    )
    verification_hours: int = setting(
        "VERIFICATION_HOURS", doc="how long a mailed verification token is valid", default=72
    )
    erase_deleted_after_days: int = setting(
        "ERASE_DELETED_AFTER_DAYS", doc="deleted users are erased for good after this many days; 0: never", default=30
    )
    password_memory_kib: int = setting("PASSWORD_MEMORY_KIB", doc="argon2id: memory of one hash", default=19_456)
    password_passes: int = setting("PASSWORD_PASSES", doc="argon2id: passes over that memory", default=2)
    password_hashers: int = setting(
        "PASSWORD_HASHERS", doc="passwords that one process hashes at the same time; others wait", default=2
    )
    password_wait_seconds: float = setting(
        "PASSWORD_WAIT_SECONDS", doc="how long a login waits for its turn before it gets 503", default=5.0
    )
    login_attempts_per_account: int = setting(
        "LOGIN_ATTEMPTS_PER_ACCOUNT", doc="failed logins of one account in 15 minutes; more get 429", default=10
    )
    login_attempts_per_address: int = setting(
        "LOGIN_ATTEMPTS_PER_ADDRESS", doc="failed logins from one client address in 15 minutes", default=100
    )
    mails_per_account: int = setting(
        "MAILS_PER_ACCOUNT", doc="verification and reset mails asked for one address in an hour", default=3
    )
    mails_per_address: int = setting(
        "MAILS_PER_ADDRESS", doc="verification and reset mails asked by one client address in an hour", default=20
    )
    email_checks_per_address: int = setting(
        "EMAIL_CHECKS_PER_ADDRESS", doc="does-this-address-exist questions by one client address in an hour", default=60
    )
    sign_ups_per_address: int = setting(
        "SIGN_UPS_PER_ADDRESS", doc="sign-ups by one client address in an hour", default=30
    )


_held: Held[Settings] = Held(__name__)
configure, current = _held.configure, _held.current
