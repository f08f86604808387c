"""Asking Stripe about an organizer's account, outside any transaction: who stands behind a code or a key, and its webhook."""

import logging
from dataclasses import replace
from datetime import timedelta

from chassis import clock, db
from chassis.errors import DomainError
from services.payments import config
from services.payments.clients.accounts import accounts
from services.payments.clients.providers import NotNow
from services.payments.commands import authorizations
from services.payments.domain.authorizations import Keys, KeysInvalid
from services.payments.models.stripe_authorizations import StripeAuthorization

log = logging.getLogger(__name__)


def keys_of_code(code: str) -> Keys:
    """The keys that Stripe's OAuth gives for a code. A code works once. Raises Unprocessable, NotConfigured, Unavailable."""
    accounts().vault.check()  # before the code is used up
    granted = accounts().platform_stripe().exchange(code)
    keys = Keys(
        secret_key=str(granted.get("access_token") or ""),
        publishable_key=str(granted.get("stripe_publishable_key") or ""),
        refresh_token=str(granted.get("refresh_token") or ""),
        user_id=str(granted.get("stripe_user_id") or ""),
    )
    keys.check()
    return keys


def verified(keys: Keys) -> Keys:
    """The keys with the account that Stripe says they open. Raises KeysInvalid when they open none."""
    keys.check()
    try:
        account = accounts().with_keys(keys.secret_key).describe()
    except NotNow as refusal:
        if refusal.code != "provider-refuses-us":
            raise
        pointer = {"pointer": "/data/attributes/stripe-secret-key"}
        raise KeysInvalid("Stripe does not accept this secret key.", source=pointer) from None
    return replace(keys, user_id=str(account["id"]), email=str(account.get("email") or keys.email))


def register_webhook(linked: StripeAuthorization) -> None:
    """An endpoint at the organizer's account, with a secret of its own. If it cannot be now, a job tries again."""
    try:
        made = (
            accounts()
            .of_organizer(linked)
            .create_webhook(
                f"{config.current().public_url}/v1/webhooks/stripe/{linked.webhook_path}",
                f"stagedoor-webhook-{linked.webhook_path}-{linked.version}",
            )
        )
    except DomainError as error:
        log.warning("no webhook yet", extra={"authorization": linked.id, "code": error.code})
        return
    with db.transaction() as session:
        authorizations.keep_webhook(session, linked.id, str(made["id"]), str(made["secret"]))


def register_webhooks() -> None:
    """For every account that has no endpoint of ours."""
    with db.transaction() as session:
        lacking = authorizations.without_webhook(session)
    for linked in lacking:
        register_webhook(linked)


def erase_secrets() -> None:
    """Forgets the secrets of removed accounts from which nothing can be refunded any more; their webhooks end first."""
    window = clock.now() - timedelta(days=config.current().refund_window_days)
    with db.transaction() as session:
        finished = authorizations.finished(session, window)
    for linked in finished:
        if linked.webhook_reference:
            try:
                accounts().of_organizer(linked).delete_webhook(linked.webhook_reference)
            except DomainError as error:  # the organizer has taken our access back already
                log.warning("webhook not deleted", extra={"authorization": linked.id, "code": error.code})
        with db.transaction() as session:
            authorizations.erase(session, linked.id)
