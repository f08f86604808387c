"""Which account at which provider: the platform's, or the organizer's own."""

from dataclasses import dataclass

from services.payments import config
from services.payments.clients import http
from services.payments.clients.paypal_api import PayPal
from services.payments.clients.providers import AccountGone, NotConfigured, Provider
from services.payments.clients.stripe_api import StripeAccount
from services.payments.config import Settings
from services.payments.models.stripe_authorizations import StripeAuthorization
from services.payments.vault import Vault


@dataclass(frozen=True)
class Accounts:
    """The accounts of this process. Sessions are shared by all threads."""

    vault: Vault
    stripe: StripeAccount | None
    paypal: PayPal | None

    def of(self, mode: str, authorization: StripeAuthorization | None) -> Provider:
        """Where a payment in this mode belongs. Raises NotConfigured (409) when this installation has no such account."""
        if mode == "stripe" and authorization is not None:
            return self.of_organizer(authorization)
        found: Provider | None = self.stripe if mode == "stripe" else self.paypal
        if found is None:
            raise NotConfigured(f"This installation takes no payments by {mode}.")
        return found

    def of_organizer(self, authorization: StripeAuthorization) -> StripeAccount:
        """The organizer's own Stripe account. Raises AccountGone, SecretsNotConfigured."""
        if authorization.erased_at is not None:
            raise AccountGone("The organizer's Stripe account was removed, and its keys were erased.")
        key = self.vault.decrypt(authorization.secret_key_sealed, belongs_to=authorization.place("stripe-key"))
        return _stripe(config.current(), key, authorization.account)

    def with_keys(self, secret_key: str) -> StripeAccount:
        """An account by keys that are not stored yet."""
        return _stripe(config.current(), secret_key, "stripe/new")

    def platform_stripe(self) -> StripeAccount:
        """The platform's account. Raises NotConfigured."""
        if self.stripe is None:
            raise NotConfigured("This installation has no Stripe account.")
        return self.stripe


_accounts: Accounts | None = None


def configure(settings: Settings) -> Accounts:
    """Binds this process to its providers. Raises MisconfiguredError for unusable SECRETS_KEYS."""
    global _accounts
    _accounts = Accounts(
        Vault.parse(settings.secrets_keys),
        _stripe(settings, settings.stripe_secret_key, "stripe") if settings.stripe_secret_key else None,
        _paypal(settings) if settings.paypal_client_id else None,
    )
    return _accounts


def accounts() -> Accounts:
    """The accounts of this process. Raises RuntimeError before `configure`."""
    if _accounts is None:
        raise RuntimeError("services.payments.clients.accounts.configure() has not been called in this process")
    return _accounts


def _stripe(settings: Settings, api_key: str, account: str) -> StripeAccount:
    bases = {"api": settings.stripe_api_base, "connect": settings.stripe_connect_base}
    return StripeAccount.connect(
        api_key, account, bases=bases, session=http.shared(settings.provider_proxy), timeouts=_timeouts(settings)
    )


def _paypal(settings: Settings) -> PayPal:
    return PayPal(
        settings.paypal_api_base,
        settings.paypal_client_id,
        settings.paypal_client_secret,
        session=http.shared(settings.provider_proxy),
        timeouts=_timeouts(settings),
    )


def _timeouts(settings: Settings) -> http.Timeouts:
    return http.Timeouts(settings.provider_connect_seconds, settings.provider_read_seconds)
