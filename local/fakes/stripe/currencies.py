"""Which amounts Stripe charges: whole minor units, not below the least charge, in a currency it knows."""

import re

from local.fakes.stripe.errors import invalid, missing_param

_NAMES = """
usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf
clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils
inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk
mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp
sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw
"""
CURRENCIES = frozenset(_NAMES.split())
# Amounts are in minor units; a currency without any is sent as it is.
_WHOLE = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
NO_MINOR_UNIT = frozenset(_WHOLE.split())
THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
WHOLE_UNITS_ONLY = frozenset({"isk", "ugx"})
LEAST = {
    "aed": 200, "bgn": 100, "czk": 1500, "dkk": 250, "gbp": 30, "hkd": 400, "huf": 17500, "mxn": 1000, "myr": 200,
    "nok": 300, "pln": 200, "ron": 200, "sek": 300, "thb": 1000,
}  # fmt: skip
DEFAULT_LEAST = 50
MOST = 99_999_999


def read_currency(value: object) -> str:
    if not value:
        raise missing_param("currency")
    currency = str(value).lower()
    if currency not in CURRENCIES:
        raise invalid(f"Invalid currency: {currency}. Stripe currently supports other ones.", param="currency")
    return currency


def read_integer(value: object, param: str) -> int:
    """A whole number above zero; "10.50" is refused."""
    if not re.fullmatch(r"-?\d{1,18}", str(value)):
        raise invalid(f"Invalid integer: {value}", param=param, code="parameter_invalid_integer")
    if int(str(value)) < 1:
        raise invalid("This value must be greater than or equal to 1.", param=param, code="parameter_invalid_integer")
    return int(str(value))


def read_amount(value: object, currency: str, param: str = "amount") -> int:
    if value in (None, ""):
        raise missing_param(param)
    amount = read_integer(value, param)
    least = LEAST.get(currency, DEFAULT_LEAST)
    if amount < least:
        message = f"Amount must be at least {shown(least, currency)}"
        raise invalid(message, param=param, code="amount_too_small")
    if amount > MOST:
        message = f"Amount must be no more than {shown(MOST, currency)}"
        raise invalid(message, param=param, code="amount_too_large")
    step = 10 if currency in THREE_DECIMALS else 100 if currency in WHOLE_UNITS_ONLY else 1
    if amount % step:
        raise invalid(f"Invalid amount: in {currency} it must be divisible by {step}.", param=param)
    return amount


def shown(amount: int, currency: str) -> str:
    """For people: 10.50 usd."""
    if currency in NO_MINOR_UNIT:
        return f"{amount} {currency}"
    digits = 3 if currency in THREE_DECIMALS else 2
    return f"{amount // 10**digits}.{amount % 10**digits:0{digits}} {currency}"
