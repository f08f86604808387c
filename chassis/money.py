"""Minor units and a currency. Floats exist only in documents, where the API has always had them."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from chassis.errors import Unprocessable

_WITHOUT_MINOR = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split()  # noqa: SIM905
)
_THREE_DIGITS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905
OTHER_EXPONENTS: Mapping[str, int] = {**dict.fromkeys(_WITHOUT_MINOR, 0), **dict.fromkeys(_THREE_DIGITS, 3)}
MAX_MINOR = 99_999_999_999  # what providers and a bigint column take with room to spare


def exponent(currency: str) -> int:
    """How many decimal digits the currency has (ISO 4217): 2, but JPY 0 and KWD 3. No currency counts as 2."""
    if currency in _WITHOUT_MINOR:
        return 0
    return 3 if currency in _THREE_DIGITS else 2


def to_minor(amount: Decimal | int | float | str, currency: str) -> int:
    """The amount in minor units, rounded half up. Floats are read as people write them: 19.99 is 1999.

    Raises Unprocessable (`amount-invalid`) for what is not a number, or larger than any ticket costs.
    """
    try:
        exact = amount if isinstance(amount, Decimal) else Decimal(str(amount))
    except InvalidOperation:
        raise Unprocessable(f"{amount!r} is not an amount of money.", code="amount-invalid") from None
    if not exact.is_finite():
        raise Unprocessable(f"{amount} is not an amount of money.", code="amount-invalid")
    if abs(exact) > MAX_MINOR:
        raise Unprocessable("The amount is too large.", code="amount-invalid")
    minor = exact.scaleb(exponent(currency)).quantize(Decimal(1), ROUND_HALF_UP)
    if abs(minor) > MAX_MINOR:
        raise Unprocessable("The amount is too large.", code="amount-invalid")
    return int(minor)


def to_decimal(minor: int, currency: str) -> Decimal:
    """The exact amount in major units."""
    return Decimal(minor).scaleb(-exponent(currency))


def to_major(minor: int, currency: str) -> float:
    """The amount as a document shows it: 10710 EUR is 107.1."""
    return float(to_decimal(minor, currency))


def to_text(minor: int, currency: str) -> str:
    """The amount as people read it, with all its digits: 10710 EUR is "107.10 EUR"."""
    return f"{to_decimal(minor, currency):,.{exponent(currency)}f} {currency}".rstrip()
