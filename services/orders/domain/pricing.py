"""What a cart costs (facts section 4, RULES 14 and 29).

Fractions while computing; one rounding, half up, per figure. The rounded lines are then settled so that they add up to
the rounded total: the rest goes to the largest line, as far as that line stays between nothing and its list price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from chassis.errors import Unprocessable
from chassis.money import exponent


@dataclass(frozen=True)
class Line:
    """Units of one ticket type at its list price. `is_discounted`: the cart's code covers this ticket."""

    ticket_id: int
    name: str
    price_minor: int
    quantity: int
    is_discounted: bool = False

    @property
    def list_minor(self) -> int:
        """What the line costs without a code."""
        return self.price_minor * self.quantity


@dataclass(frozen=True)
class Discount:
    """`value` is a percentage from 0 to 100, or for `amount` major units per ticket."""

    code: str
    type: Literal["percent", "amount"]
    value: Decimal

    def off_minor(self, price_minor: int, currency: str) -> Fraction:
        """What one ticket gets cheaper; never more than it costs, never less than nothing."""
        if self.type == "percent":
            exact = Fraction(price_minor) * Fraction(self.value) / 100
        else:
            exact = Fraction(self.value) * 10 ** exponent(currency)
        return min(max(exact, Fraction(0)), Fraction(price_minor))


@dataclass(frozen=True)
class Tax:
    """`rate` is a percentage; `is_included` says whether list prices contain it."""

    name: str
    rate: Decimal
    is_included: bool

    def of(self, minor: Fraction) -> Fraction:
        """The tax in (or on) an amount."""
        share = Fraction(self.rate) / 100
        return minor - minor / (1 + share) if self.is_included else minor * share


@dataclass(frozen=True)
class PricedLine:
    """A line as it is charged. `total_minor` is after the discount and before a tax that comes on top."""

    ticket_id: int
    name: str
    price_minor: int
    quantity: int
    is_discounted: bool
    total_minor: int
    tax_minor: int
    list_tax_minor: int
    unit_minor: tuple[int, ...]

    @property
    def list_minor(self) -> int:
        """What the line costs without a code."""
        return self.price_minor * self.quantity

    @property
    def discount_minor(self) -> int:
        """What the code takes off the line; never negative, except under an organizer's own higher amount, where it is 0."""
        return max(0, self.list_minor - self.total_minor)


@dataclass(frozen=True)
class Quote:
    """What a cart costs. The units of all lines add up to `total_minor` exactly."""

    currency: str
    lines: tuple[PricedLine, ...]
    sub_total_minor: int
    tax_minor: int
    total_minor: int
    discount: Discount | None = None
    tax: Tax | None = None
    is_custom: bool = False

    @property
    def discount_minor(self) -> int:
        """What the code takes off the whole cart."""
        return sum(line.discount_minor for line in self.lines)

    @property
    def discounted_units(self) -> int:
        """How many uses of the code this cart needs."""
        return sum(line.quantity for line in self.lines if line.is_discounted)


class PriceInvalid(Unprocessable):
    code = "price-invalid"


def quote(lines: Sequence[Line], discount: Discount | None, tax: Tax | None, currency: str) -> Quote:
    """What the cart costs. Lines add up to the total exactly, and no line costs more than its list price."""
    exact = [_exact(line, discount, currency) for line in lines]
    sub_total = half_up(sum(exact, Fraction(0)))
    totals = settle([half_up(each) for each in exact], sub_total, [line.list_minor for line in lines])
    priced, tax_minor = _priced(lines, exact, totals, discount, tax)
    total_minor = sub_total + (tax_minor if _is_on_top(tax) else 0)
    return Quote(currency, priced, sub_total, tax_minor, total_minor, discount, tax)


def quote_at(lines: Sequence[Line], amount_minor: int, tax: Tax | None, currency: str) -> Quote:
    """The cart at an organizer's own amount, which is final: it contains the tax, whatever the event's prices do."""
    weights = [line.list_minor for line in lines]
    if not any(weights):
        weights = [line.quantity for line in lines]
    shares = [Fraction(amount_minor * weight, sum(weights)) for weight in weights]
    included = None if tax is None else Tax(tax.name, tax.rate, True)
    totals = settle([half_up(each) for each in shares], amount_minor, [amount_minor] * len(lines))
    priced, tax_minor = _priced(lines, shares, totals, None, included)
    return Quote(currency, priced, amount_minor, tax_minor, amount_minor, None, included, is_custom=True)


def donation_price(sent_minor: int | None, min_minor: int, max_minor: int) -> int:
    """The price that a giver chose. Raises PriceInvalid outside the ticket's bounds; `max_minor` 0 is no bound."""
    pointer = {"pointer": "/tickets"}
    if sent_minor is None:
        raise PriceInvalid(
            "A donation ticket needs the price that you want to give.", code="price-missing", source=pointer
        )
    if sent_minor < min_minor or (max_minor and sent_minor > max_minor):
        bounds = {"min_minor": min_minor, "max_minor": max_minor or None}
        raise PriceInvalid("The price is outside what this donation ticket accepts.", source=pointer, meta=bounds)
    return sent_minor


def half_up(exact: Fraction) -> int:
    """Rounds an amount that is not negative."""
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def settle(rounded: Sequence[int], total: int, limits: Sequence[int]) -> list[int]:
    """`rounded`, changed so that it adds up to `total`; each figure stays between 0 and its limit.

    The largest figure takes what it can, then the next one. `total` is at most the sum of the limits.
    """
    settled = list(rounded)
    rest = total - sum(settled)
    for index in sorted(range(len(settled)), key=lambda each: (-limits[each], each)):
        step = min(rest, limits[index] - settled[index]) if rest > 0 else max(rest, -settled[index])
        settled[index] += step
        rest -= step
    return settled


def split(total: int, parts: int) -> tuple[int, ...]:
    """`total` in equal parts; the first ones take a minor unit more where it does not divide."""
    share, rest = divmod(total, parts)
    return tuple(share + (index < rest) for index in range(parts))


def _exact(line: Line, discount: Discount | None, currency: str) -> Fraction:
    if discount is None or not line.is_discounted:
        return Fraction(line.list_minor)
    return (line.price_minor - discount.off_minor(line.price_minor, currency)) * line.quantity


def _taxes(exact: Sequence[Fraction], tax: Tax | None) -> tuple[list[int], int]:
    if tax is None:
        return [0] * len(exact), 0
    parts = [tax.of(each) for each in exact]
    total = half_up(sum(parts, Fraction(0)))
    return settle([half_up(each) for each in parts], total, [half_up(each) + len(parts) for each in parts]), total


def _is_on_top(tax: Tax | None) -> bool:
    return tax is not None and not tax.is_included


def _priced(
    lines: Sequence[Line], exact: Sequence[Fraction], totals: Sequence[int], discount: Discount | None, tax: Tax | None
) -> tuple[tuple[PricedLine, ...], int]:
    """The lines with their `totals`, and the tax of all. `exact` is what they cost before rounding."""
    taxes, tax_minor = _taxes(exact, tax)
    is_on_top = _is_on_top(tax)
    priced = tuple(
        PricedLine(
            line.ticket_id,
            line.name,
            line.price_minor,
            line.quantity,
            line.is_discounted and discount is not None,
            total,
            line_tax,
            half_up(tax.of(Fraction(line.list_minor))) if tax else 0,
            split(total + (line_tax if is_on_top else 0), line.quantity),
        )
        for line, total, line_tax in zip(lines, totals, taxes, strict=True)
    )
    return priced, tax_minor
