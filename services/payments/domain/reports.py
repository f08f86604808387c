"""What a provider told us, in our words: the same whichever provider, call or webhook it came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.payments.domain.attempts import News


@dataclass(frozen=True)
class Card:
    """The four things that a receipt shows. Nothing else of a card ever reaches us."""

    brand: str = ""
    last4: str = ""
    exp_month: str = ""
    exp_year: str = ""


@dataclass(frozen=True)
class Report:
    """What is known of an attempt. Amounts are in our minor units; empty means not told.

    `client_payload` is for the payer's browser and is passed on, never stored. `has_approval` and `payer_id` are PayPal's.
    """

    news: News
    reference: str = ""
    transaction_id: str = ""
    amount_minor: int = 0
    currency: str = ""
    fee_minor: int = 0
    card: Card | None = None
    code: str = ""
    decline_code: str = ""
    message: str = ""
    payment_url: str = ""
    client_payload: Mapping[str, Any] | None = None
    has_approval: bool = False
    payer_id: str = ""


@dataclass(frozen=True)
class RefundReport:
    """What is known of a refund. `state`: succeeded, pending, failed, or lost when nobody can tell yet."""

    state: str
    reference: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class RefundNews:
    """A refund that a provider tells of by itself. `refund_id` is ours, empty when somebody else made it there."""

    report: RefundReport
    refund_id: str
    payment_reference: str
    amount_minor: int
    currency: str


@dataclass(frozen=True)
class ChargeNews:
    """A charge in a provider's own list. `payment_id` is ours."""

    report: Report
    payment_id: str


Movement = ChargeNews | RefundNews
"""One line of a provider's own list, for reconciliation."""


LOST = Report(News.LOST)
