"""Money for people's eyes: from integer minor units to `€12.50` or `12,50 €`."""

from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision

from .moments import DEFAULT_LOCALE, locale_of


def amount(minor: int, currency: str, locale: str = DEFAULT_LOCALE) -> str:
    digits = get_currency_precision(currency)
    text = format_currency(Decimal(minor).scaleb(-digits), currency, locale=locale_of(locale))
    return str(text).replace("\u202f", "\u00a0")
