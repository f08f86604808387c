"""Amounts as providers want them. Our minor units follow ISO 4217; each provider has its own exceptions.

Nothing is ever rounded on the way to a provider: an amount that it cannot take exactly is refused.
"""

from decimal import Decimal, InvalidOperation

from chassis.errors import Unprocessable
from chassis.money import exponent

# Stripe: MGA has no minor unit there; ISK and UGX have none anywhere, yet are sent as if they had two digits.
_STRIPE_EXPONENTS = {"MGA": 0, "ISK": 2, "UGX": 2}
_STRIPE_STEPS = {"ISK": 100, "UGX": 100, **dict.fromkeys(["BHD", "JOD", "KWD", "OMR", "TND"], 10)}
_STRIPE_LACKS = frozenset(["IQD", "LYD"])

# PayPal's payments API takes these and no others, some of them without decimals.
_PAYPAL_CURRENCIES = frozenset(
    "AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP SGD SEK CHF THB USD".split()  # noqa: SIM905
)
_PAYPAL_WHOLE = frozenset(["HUF", "JPY", "TWD"])


class CurrencyNotSupported(Unprocessable):
    code = "currency-not-supported"


class AmountNotPayable(Unprocessable):
    code = "amount-not-payable"


def to_stripe(minor: int, currency: str) -> int:
    """The integer that Stripe's `amount` takes. Raises CurrencyNotSupported, AmountNotPayable."""
    if currency in _STRIPE_LACKS:
        raise CurrencyNotSupported(f"Cards cannot be charged in {currency}. Please choose another way to pay.")
    amount = _rescaled(minor, exponent(currency), _STRIPE_EXPONENTS.get(currency, exponent(currency)), currency)
    if amount % _STRIPE_STEPS.get(currency, 1):
        raise AmountNotPayable(f"Cards cannot be charged fractions this small in {currency}.")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Our minor units from Stripe's. Raises AmountNotPayable for what our currency cannot express."""
    return _rescaled(amount, _STRIPE_EXPONENTS.get(currency, exponent(currency)), exponent(currency), currency)


def to_paypal(minor: int, currency: str) -> str:
    """The text that PayPal's `total` takes: "19.90", but "1990" for yen. Raises CurrencyNotSupported, AmountNotPayable."""
    if currency not in _PAYPAL_CURRENCIES:
        raise CurrencyNotSupported(f"PayPal does not take {currency}. Please choose another way to pay.")
    digits = 0 if currency in _PAYPAL_WHOLE else 2
    amount = _rescaled(minor, exponent(currency), digits, currency)
    return f"{Decimal(amount).scaleb(-digits):.{digits}f}"


def from_paypal(total: str, currency: str) -> int:
    """Our minor units from PayPal's text. Raises AmountNotPayable for what is not an amount in this currency."""
    try:
        minor = Decimal(total).scaleb(exponent(currency))
    except InvalidOperation:
        raise AmountNotPayable(f"{total!r} is not an amount.") from None
    if minor != minor.to_integral_value():
        raise AmountNotPayable(f"{total} is not an amount in {currency}.")
    return int(minor)


def _rescaled(amount: int, of: int, to: int, currency: str) -> int:
    if to >= of:
        return int(amount * 10 ** (to - of))
    whole, rest = divmod(amount, 10 ** (of - to))
    if rest:
        raise AmountNotPayable(
            f"This provider takes whole amounts only in {currency}. Please choose another way to pay."
        )
    return int(whole)
