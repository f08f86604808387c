"""Double entry, balanced by construction: one row moves one amount from one account (credit) to another (debit).

An account's balance is what it was debited minus what it was credited. What a provider holds for us is an asset; what we
owe an event for its tickets is the other side of it; what the provider keeps is an expense of the event.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Transfer:
    """`reference` makes it unique: the same money is never booked twice."""

    kind: str  # charge, refund, fee, refund-returned
    debit: str
    credit: str
    amount_minor: int
    currency: str
    reference: str


def charge(provider: str, event_id: int, payment: str, amount_minor: int, currency: str) -> Transfer:
    """The provider holds more, and we owe it to the event."""
    return Transfer("charge", held_by(provider), owed_to(event_id), amount_minor, currency, f"charge/{payment}")


def fee(provider: str, payment: str, amount_minor: int, currency: str) -> Transfer:
    """The provider keeps a part of what it holds."""
    return Transfer("fee", fees_of(provider), held_by(provider), amount_minor, currency, f"fee/{payment}")


def refund(provider: str, event_id: int, refund_id: str, amount_minor: int, currency: str) -> Transfer:
    """The buyer has it back: the provider holds less, and we owe the event less."""
    return Transfer("refund", owed_to(event_id), held_by(provider), amount_minor, currency, f"refund/{refund_id}")


def refund_returned(provider: str, event_id: int, refund_id: str, amount_minor: int, currency: str) -> Transfer:
    """A refund that could not reach the buyer after all (a closed card): the provider holds it again."""
    reference = f"refund-returned/{refund_id}"
    return Transfer("refund-returned", held_by(provider), owed_to(event_id), amount_minor, currency, reference)


def held_by(provider: str) -> str:
    """What a provider (or an organizer's account there) holds."""
    return f"held/{provider}"


def owed_to(event_id: int) -> str:
    """What the tickets of an event have brought in."""
    return f"event/{event_id}"


def fees_of(provider: str) -> str:
    """What the provider kept."""
    return f"fees/{provider}"


def balances(transfers: Iterable[Transfer]) -> dict[tuple[str, str], int]:
    """Per account and currency. They add up to 0 in each currency, whatever the transfers are."""
    found: dict[tuple[str, str], int] = {}
    for each in transfers:
        for account, amount in ((each.debit, each.amount_minor), (each.credit, -each.amount_minor)):
            found[account, each.currency] = found.get((account, each.currency), 0) + amount
    return found
