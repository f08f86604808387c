"""What we ask of a payment provider, and how it may fail us.

A provider's methods take committed rows and are called outside any transaction. Only `charge` moves money; only it may
answer that nobody knows how it ended (`News.LOST`). All others either tell or raise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chassis.errors import Conflict, Unavailable
from services.payments.domain.reports import Movement, RefundReport, Report
from services.payments.models.payments import Payment
from services.payments.models.refunds import Refund


class NotNow(Unavailable):
    """The provider certainly did nothing: it is busy, or does not take our key."""

    code = "provider-busy"


class Unanswered(Unavailable):
    """We asked and got no answer. No money depends on it: asking again is safe."""

    code = "provider-unreachable"


class NotConfigured(Conflict):
    code = "provider-not-configured"


class AccountGone(Conflict):
    """Nothing can be done at this account any more: it was removed, and long ago."""

    code = "provider-account-removed"


@dataclass(frozen=True)
class Means:
    """What the payer pays with: a Stripe token (or payment method), or what they claim about PayPal's payment."""

    stripe_token: str = ""
    paypal_payer_id: str = ""
    paypal_payment_id: str = ""


class Provider(Protocol):
    """One account at one provider."""

    account: str  # as the ledger names it

    def start(self, payment: Payment) -> Report:
        """Opens the payment there without charging anything. Repeating it answers the same one.

        Answers declined when the provider does not take such a payment. Raises Unanswered or NotNow.
        """

    def charge(self, payment: Payment, means: Means) -> Report:
        """Moves the money, once however often it is called. Raises NotNow when certainly nothing happened."""

    def look(self, payment: Payment) -> Report:
        """How the payment stands there, now. Raises Unanswered or NotNow."""

    def close(self, payment: Payment) -> Report:
        """Makes sure that nothing can be paid any more; answers captured when it has been. Raises Unanswered, NotNow."""

    def refund(self, payment: Payment, refund: Refund) -> RefundReport:
        """Gives money back, once however often it is called. Raises NotNow when certainly nothing happened."""

    def movements(self, since: datetime) -> Iterator[Movement]:
        """Its own list of our charges and refunds. Raises Unanswered or NotNow."""
