"""Money for people's eyes: from integer minor units to `€12.50` or `12,50 €`."""

from decimal import Decimal

from babel.numbers import format_currency

from chassis.money import exponent
from services.tickets.domain.moments import DEFAULT_LOCALE, locale_of


def amount(minor: int, currency: str, locale: str = DEFAULT_LOCALE) -> str:
    """As its currency writes it, with all its digits: exactly what was charged."""
    exact = Decimal(minor).scaleb(-exponent(currency))
    text = format_currency(exact, currency, locale=locale_of(locale), decimal_quantization=False)
    return str(text).replace("\u202f", "\u00a0")
