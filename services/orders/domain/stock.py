"""The refusals of the two ledgers, and the version that orders what the ledgers know of an offer."""

from collections.abc import Mapping

from chassis.errors import Conflict, Unprocessable

EPOCH_BITS = 40


class SoldOut(Conflict):
    code = "sold-out"


class OfferChanged(Conflict):
    """The ledger has heard of a newer offer than the one this order was computed from."""

    code = "offer-changed"


class BelowSold(Conflict):
    code = "below-sold"


class DiscountExhausted(Unprocessable):
    code = "discount-exhausted"


class AccessCodeExhausted(Unprocessable):
    code = "access-code-exhausted"


def revision(epoch: int, version: int) -> int:
    """The owner's (epoch, version) as one number that only rises; a restored owner's new epoch outranks every version."""
    return (epoch << EPOCH_BITS) | version


def sold_out(name: str, available: int) -> SoldOut:
    """What a buyer reads when fewer seats are left than wanted."""
    if available <= 0:
        return SoldOut(f"“{name}” is sold out.", meta={"available": 0})
    left = "1 is" if available == 1 else f"{available} are"
    return SoldOut(f"Only {left} left of “{name}”.", meta={"available": available})


def exhausted(is_access_code: bool, remaining: int) -> Unprocessable:
    """What a buyer reads when a code has fewer uses left than the cart needs."""
    meta: Mapping[str, int] = {"remaining": max(0, remaining)}
    if is_access_code:
        pointer = {"pointer": "/access-code"}
        return AccessCodeExhausted("This access code has been used up.", source=pointer, meta=meta)
    sentence = "This discount code has been used up."
    if remaining > 0:
        tickets = "ticket" if remaining == 1 else "tickets"
        sentence = f"This discount code is good for {remaining} more {tickets} only."
    return DiscountExhausted(sentence, source={"pointer": "discount_code_id", "source": "discount_code_id"}, meta=meta)
