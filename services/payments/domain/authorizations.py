"""Which keys of a Stripe account we accept."""

from dataclasses import dataclass

from chassis.errors import Unprocessable


class KeysInvalid(Unprocessable):
    code = "stripe-keys-invalid"


@dataclass(frozen=True, repr=False)
class Keys:
    """What lets us charge for an organizer. Has no repr, so that no log shows it by accident."""

    secret_key: str
    publishable_key: str
    refresh_token: str = ""
    user_id: str = ""
    email: str = ""

    def check(self) -> None:
        """Raises KeysInvalid for what cannot be a pair of keys."""
        if not self.secret_key.startswith(("sk_", "rk_")):
            raise KeysInvalid(
                "A secret key of Stripe starts with sk_.", source={"pointer": "/data/attributes/stripe-secret-key"}
            )
        if not self.publishable_key.startswith("pk_"):
            raise KeysInvalid(
                "A publishable key of Stripe starts with pk_.",
                source={"pointer": "/data/attributes/stripe-publishable-key"},
            )
