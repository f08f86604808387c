"""Fixtures of accounts' tests: cheap password hashes, so that hundreds of logins take no time."""

from chassis.testing import service_fixtures
from services.accounts.main import SERVICE

ENVIRONMENT = {
    "KEY_ENCRYPTION_SECRET": "a secret that is long enough",
    "PASSWORD_MEMORY_KIB": "64",
    "PASSWORD_PASSES": "1",
    "PASSWORD_HASHERS": "8",
    "FRONTEND_URL": "https://tickets.example.com",
    "MAIL_URL": "file:///nonexistent",
    "MAILS_PER_ADDRESS": "1000",
    "SIGN_UPS_PER_ADDRESS": "1000",
    "EMAIL_CHECKS_PER_ADDRESS": "1000",
    "LOGIN_ATTEMPTS_PER_ADDRESS": "1000",
}

globals().update(service_fixtures(SERVICE, ENVIRONMENT))
