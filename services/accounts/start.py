"""What every process does before it serves: settings and secrets taken over, the first super admin made."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chassis import jsonapi, mail
from chassis.auth import Ended
from chassis.db import transaction
from chassis.errors import Unavailable
from services.accounts import config, hashing, keys, limits, queries
from services.accounts.api import alternate_emails, notifications, users
from services.accounts.commands import people
from services.accounts.commands.people import Account
from services.accounts.config import Settings
from services.accounts.domain.emails import read_address
from services.accounts.domain.passwords import read_new_password
from services.accounts.models import Base

log = logging.getLogger(__name__)

RESOURCES = (users.users, notifications.notifications, notifications.events, alternate_emails.user_emails)


def prepare(given: Settings, _roles: Sequence[str]) -> None:
    """Configures this process. A database that does not answer yet is no reason to stop: services start in any order."""
    config.configure(given)
    hashing.configure(given)
    keys.configure(given)
    limits.configure(given)
    mail.configure(given.mail_url, given.mail_from)
    jsonapi.prepare(Base.metadata)  # after the modules of api/ have declared their types, see RESOURCES
    try:
        make_first_super_admin()
    except Unavailable:
        log.warning("the database does not answer yet; the first super admin is made by a job")


def make_first_super_admin() -> None:
    """Makes the super admin that the settings name, unless there ever was one. Any number of processes may try at once."""
    given = config.current()
    if not given.super_admin_email or not given.super_admin_password:
        return
    with transaction() as db:
        if queries.has_super_admin(db):
            return
    password = read_new_password(given.super_admin_password, "SUPER_ADMIN_PASSWORD")
    account = Account(read_address(given.super_admin_email), hashing.hash_password(password))
    with transaction() as db:
        user = people.create_super_admin(db, account)
    if user is not None:
        log.info("first super admin made", extra={"user_id": user.id})


def fetch_keys() -> tuple[Mapping[str, Any], Iterable[Ended]]:
    """Keys and ended sessions for this process's own verifying, from the own database."""
    with transaction() as db:
        ended = queries.sessions_to_remember(db)
        return keys.jwks(db), [(each.user_id, each.session_id, each.ended_at.timestamp()) for each in ended]
