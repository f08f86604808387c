"""The tables of accounts, one module per aggregate."""

from services.accounts.models.base import Base
from services.accounts.models.events import Event, EventRole, Fill
from services.accounts.models.keys import SigningKey
from services.accounts.models.limits import RateLimit
from services.accounts.models.mail_tokens import MailToken
from services.accounts.models.notifications import EmailNotification, Notification
from services.accounts.models.sessions import EndedSession, LoginSession, RefreshToken
from services.accounts.models.users import User, UserEmail

__all__ = [
    "Base",
    "EmailNotification",
    "EndedSession",
    "Event",
    "EventRole",
    "Fill",
    "LoginSession",
    "MailToken",
    "Notification",
    "RateLimit",
    "RefreshToken",
    "SigningKey",
    "User",
    "UserEmail",
]
